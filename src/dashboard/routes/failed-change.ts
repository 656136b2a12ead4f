import { isInteger } from '../../base/checks.js'
import { purgeFailed } from '../../operate/failed/purge-failed.js'
import { redriveFailed, type RedriveResult } from '../../operate/failed/redrive-failed.js'
import type { OperatorOptions } from '../../operate/operator-settings.js'
import type { FailedChange, Job } from '../api.js'
import { badRequest, countChanged, Refused } from '../http/refused.js'
import type { Jobs, JobProgress, JobWork } from '../jobs/jobs.js'
import type { Turns } from '../jobs/turns.js'
import { choiceOf, type Chosen } from './failed-routes.js'
import { JOB_WAIT_MS, type Routes } from './route.js'

export function failedChanges(options: OperatorOptions, turns: Turns, jobs: Jobs): Routes {
  const own = { options, turns, jobs }
  return {
    'failed/redrive': { needs: 'redrive', answer: ({ body }) => redrive(own, body) },
    'failed/purge': { needs: 'purge', answer: ({ body }) => purge(own, body) },
  }
}

interface ChangeParts {
  readonly options: OperatorOptions
  readonly turns: Turns
  readonly jobs: Jobs
}

function redrive({ options, turns, jobs }: ChangeParts, change: Partial<FailedChange>): Promise<Job> {
  const { rate } = change
  const expected = expectedOf(change)
  if (rate !== undefined && !(typeof rate === 'number' && rate > 0))
    throw badRequest('rate: expected messages a second, more than zero')
  const chosen = choiceOf(change, options)
  const { kind, queue, filter } = chosen
  const run = async (progress: JobProgress) => {
    const summary = await redriveFailed(kind, {
      ...options,
      filter,
      limit: expected,
      ratePerSecond: rate,
      signal: progress.signal,
      onResult: (result) => noteFate(progress, result),
    })
    // The others are in the queue again.
    if (summary.failure !== undefined) throw summary.failure as Error
  }
  const work = { what: `redrive ${textOf(chosen)}`, needs: 'redrive', of: expected } as const
  return jobs.start({ ...work, run: inTurn(turns, queue, run) }, JOB_WAIT_MS)
}

function inTurn(turns: Turns, queue: string, run: JobWork['run']): JobWork['run'] {
  return (progress) => turns.take(queue, progress.signal, () => run(progress))
}

function noteFate(progress: JobProgress, result: RedriveResult): void {
  progress.count('sent' in result ? 'redriven' : 'failed')
  if ('error' in result) progress.failed(result.error)
  if ('expired' in result)
    progress.failed(new Refused(409, 'EXPIRED', 'it has expired: consumers would give it up again'))
}

/** Another number than the confirmed one is refused, before anything is removed: now, and when it is the turn of the job. */
async function purge({ options, turns, jobs }: ChangeParts, change: Partial<FailedChange>): Promise<Job> {
  const expected = expectedOf(change)
  const chosen = choiceOf(change, options)
  const { kind, queue, filter } = chosen
  jobs.assertRoom()
  const { removed: found } = await turns.look(queue, () => purgeFailed(kind, { ...options, filter, dryRun: true }))
  if (found !== expected) throw countChanged(found, expected)
  const run = async (progress: JobProgress) => {
    const { removed, confirmed, found = 0 } = await purgeFailed(kind, { ...options, filter, expected })
    if (!confirmed) throw countChanged(found, expected)
    progress.count('removed', removed)
  }
  const work = { what: `remove ${textOf(chosen)}`, needs: 'purge', of: found } as const
  return jobs.start({ ...work, run: inTurn(turns, queue, run) }, JOB_WAIT_MS)
}

/** What came since then was not confirmed. @throws Refused 400 */
function expectedOf({ expected }: Partial<FailedChange>): number {
  if (isInteger(expected, 0)) return expected
  throw badRequest('expected: the number of messages that was confirmed')
}

/** `2 messages of reminders.dead`, or `messages of reminders.dead with the reason handler-error`. */
function textOf({ queue, filter: { id, name, reason } }: Chosen): string {
  const count = id === undefined ? 'messages' : `${id.length} message${id.length === 1 ? '' : 's'}`
  const named = name === undefined ? '' : ` of the name ${name[0]}`
  const because = reason === undefined ? '' : ` with the reason ${reason[0]}`
  return `${count} of ${queue}${named}${because}`
}
