import { randomUUID } from 'node:crypto'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { endsWithin } from '../../base/time-limit.js'
import type { Job, Permission } from '../api.js'
import { failureOf, isExpected } from '../http/failure-of.js'
import { notAllowed, notFound, Refused } from '../http/refused.js'

const MOST_RUNNING = 4
const MOST_KEPT = 50
/** Of the text about a job, which every viewer gets: a search may be much longer. */
const MOST_CHARACTERS = 300
/** Between two reports of one job. */
const REPORT_EVERY_MS = 250

type Outcome = keyof Job['outcomes']

/** What a work tells of itself. */
export interface JobProgress {
  /** Aborted when it is to stop after what is under way. */
  readonly signal: AbortSignal
  /** How much there is to do. */
  whole(of: number): void
  /** One more is done. */
  count(outcome: Outcome, number?: number): void
  /** Why one of the messages failed. The first is kept. */
  failed(error: unknown): void
}

export interface JobWork {
  readonly what: string
  /** Without it nobody may stop the job. */
  readonly needs: Permission
  readonly of: number | null
  /** Whatever it throws ends the job as failed. */
  run: (progress: JobProgress) => Promise<void>
}

interface RunningJob {
  job: Job
  readonly stop: AbortController
  /** Never rejects. */
  readonly ended: Promise<void>
}

/** The jobs of a server. They go on when the viewer that started them leaves. */
export class Jobs {
  readonly #logger: Logger
  readonly #onChange: (job: Job) => void
  /** The last is the newest. */
  readonly #jobs = new Map<string, RunningJob>()
  #isClosed = false

  constructor(logger: Logger, onChange: (job: Job) => void) {
    this.#logger = logger
    this.#onChange = onChange
  }

  /** The newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].map(({ job }) => job).reverse()
  }

  /** @throws Refused 429 if too many run; DuequeError `CLOSED` */
  assertRoom(): void {
    if (this.#isClosed) throw new DuequeError('CLOSED', 'the dashboard is closed', {})
    if (this.#running().length < MOST_RUNNING) return
    throw new Refused(429, 'BUSY', `${MOST_RUNNING} jobs are running: wait for one of them, or stop it`)
  }

  /**
   * Starts a work.
   *
   * @param waitMs for how long its end is waited for: then the answer has the outcome
   * @throws as {@link assertRoom} does
   */
  async start(work: JobWork, waitMs: number): Promise<Job> {
    this.assertRoom()
    const id = randomUUID()
    const startedAt = new Date().toISOString()
    const { needs, of } = work
    const what = shortened(work.what)
    const job: Job = { id, what, needs, state: 'running', done: 0, of, outcomes: {}, startedAt }
    const stop = new AbortController()
    const reports = new Reports(() => this.#onChange(job))
    const ended = this.#run(job, work, stop.signal, reports)
    this.#jobs.set(id, { job, stop, ended })
    this.#forget()
    reports.soon()
    await endsWithin(ended, waitMs)
    return { ...job }
  }

  /** @throws Refused 404, 403 */
  stop(id: unknown, permissions: ReadonlySet<Permission>): Job {
    const running = typeof id === 'string' ? this.#jobs.get(id) : undefined
    if (!running) throw notFound('there is no such job')
    const { needs } = running.job
    if (!permissions.has(needs)) throw notAllowed(`you may not stop this job (${needs})`)
    running.stop.abort(new Refused(409, 'STOPPED', 'the job was stopped'))
    return running.job
  }

  /** Stops all, and resolves when they have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { stop } of this.#jobs.values()) stop.abort(new Refused(409, 'STOPPED', 'the dashboard was closed'))
    await Promise.all(this.#running().map(({ ended }) => ended))
  }

  async #run(job: Job, { run }: JobWork, signal: AbortSignal, reports: Reports): Promise<void> {
    const failed = (error: unknown) => {
      if (!isExpected(error))
        this.#logger.error('a job of the dashboard failed', { what: job.what, error: errorText(error) })
      job.failure ??= failureOf(error)
    }
    const progress: JobProgress = {
      signal,
      whole(of) {
        job.of = of
        reports.soon()
      },
      count(outcome, number = 1) {
        job.done += number
        job.outcomes[outcome] = (job.outcomes[outcome] ?? 0) + number
        reports.soon()
      },
      failed,
    }
    try {
      await run(progress)
      job.state = signal.aborted ? 'stopped' : 'done'
    } catch (error) {
      job.state = signal.aborted && error === signal.reason ? 'stopped' : 'failed'
      if (job.state === 'failed') failed(error)
    }
    reports.now()
  }

  #running(): RunningJob[] {
    return [...this.#jobs.values()].filter(({ job }) => job.state === 'running')
  }

  /** The oldest that have ended. */
  #forget(): void {
    for (const [id, { job }] of this.#jobs) {
      if (this.#jobs.size <= MOST_KEPT) return
      if (job.state !== 'running') this.#jobs.delete(id)
    }
  }
}

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`
}

/** Reports of one job, not too many. */
class Reports {
  readonly #report: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(report: () => void) {
    this.#report = report
  }

  soon(): void {
    this.#timer ??= setTimeout(() => this.now(), REPORT_EVERY_MS).unref()
  }

  now(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#report()
  }
}
