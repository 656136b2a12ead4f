import type { Job, Overview } from '../../api.js'
import type { Connection } from './server-events.js'
import type { Live } from './live-context.js'

export type LiveState = Omit<Live, 'tryNow' | 'noteJob'>

export type LiveChange = { overview: Overview } | { job: Job } | { jobs: readonly Job[] } | { connection: Connection }

export const INITIAL: LiveState = {
  overview: undefined,
  jobs: [],
  connection: { state: 'connecting', nextTryAt: undefined },
  generation: 0,
}

export function reduceLive(state: LiveState, change: LiveChange): LiveState {
  if ('overview' in change) return { ...state, overview: change.overview }
  if ('connection' in change) return withConnection(state, change.connection)
  if ('job' in change) return withJob(state, change.job)
  return withJobs(state, change.jobs)
}

/** Of the server's list: jobs that ended before this viewer came are none of his news. */
function withJobs(state: LiveState, jobs: readonly Job[]): LiveState {
  const isNews = ({ id, state: now }: Job) => now === 'running' || state.jobs.some((known) => known.id === id)
  // A server that was started anew knows nothing of the jobs before.
  const isKnown = (one: Job) => one.state !== 'running' || jobs.some(({ id }) => id === one.id)
  return jobs.filter(isNews).reduce(withJob, { ...state, jobs: state.jobs.filter(isKnown) })
}

function withConnection(state: LiveState, connection: Connection): LiveState {
  const isBack = connection.state === 'open' && state.connection.state === 'lost'
  return { ...state, connection, generation: state.generation + (isBack ? 1 : 0) }
}

/** The answer to a request may come after an event that is newer: a job that has ended does not run again. */
function withJob(state: LiveState, job: Job): LiveState {
  const known = state.jobs.find(({ id }) => id === job.id)
  if (known && known.state !== 'running' && job.state === 'running') return state
  const ends = job.state !== 'running' && known?.state !== job.state
  const others = state.jobs.filter(({ id }) => id !== job.id)
  const jobs = [...others, job].sort((a, b) => b.startedAt.localeCompare(a.startedAt))
  return { ...state, jobs, generation: state.generation + (ends ? 1 : 0) }
}
