import { isInteger } from '../../base/checks.js'
import type { InnerParts } from '../../inner-parts.js'
import { parseInstant, resolveDue, type Due } from '../../message/due.js'
import { changeEach, findWaiting, visitPages, type FoundMessage } from '../../operate/waiting-changes.js'
import type { CancelMethods, WaitingMethods } from '../../schedule/waiting.js'
import type { Permission, WaitingChange } from '../api.js'
import { badRequest, countChanged, notAllowed, Refused } from '../http/refused.js'
import type { Jobs, JobProgress, JobWork } from '../jobs/jobs.js'
import { checkSearch, filterOf, searchText } from '../search.js'
import { shortListOf, type WaitingSource } from '../waiting-source.js'
import { JOB_WAIT_MS, type Asked } from './route.js'

/** The methods that a connection has if its strategy allows them. */
export type ChangeMethods = Partial<Pick<CancelMethods, 'cancel'> & Pick<WaitingMethods, 'reschedule'>>

interface ChangeParts {
  readonly mq: ChangeMethods
  readonly parts: InnerParts
  readonly waiting: WaitingSource
  readonly jobs: Jobs
}

const MOST_MESSAGES = 1000

type Action = WaitingChange['action']
const NEEDS: Readonly<Record<Action, Permission>> = {
  cancel: 'cancel',
  reschedule: 'reschedule',
  'deliver-now': 'reschedule',
}

/** Starts a job that changes some messages, or all that fit a search. @throws Refused, DuequeError before anything changes */
export async function changeWaiting(own: ChangeParts, { body, permissions }: Asked) {
  const change = body as Partial<WaitingChange>
  const action = change.action as Action
  if (!Object.hasOwn(NEEDS, action)) throw badRequest(`action: expected one of ${Object.keys(NEEDS).join(', ')}`)
  if (!permissions.has(NEEDS[action])) throw notAllowed(`you may look, and not ${action}`)
  const run = methodOf(own, action, change)
  own.jobs.assertRoom()
  const work = change.messages === undefined ? await ofSearch(own, change, run) : ofMessages(change.messages, run)
  const messages = `${work.of} message${work.of === 1 ? '' : 's'}${work.which}`
  const what = action === 'deliver-now' ? `deliver ${messages} now` : `${action} ${messages}`
  return own.jobs.start({ what, needs: NEEDS[action], of: work.of, run: work.run }, JOB_WAIT_MS)
}

type Work = Pick<JobWork, 'run'> & { readonly of: number; readonly which: string }
type ChangeAll = (found: readonly FoundMessage[], progress: JobProgress) => Promise<void>

function ofMessages(messages: unknown, change: ChangeAll): Work {
  const found = Array.isArray(messages) && messages.length <= MOST_MESSAGES ? messages.map(foundOf) : []
  if (found.length === 0 || found.includes(undefined))
    throw badRequest(`messages: expected up to ${MOST_MESSAGES} of { id, revision, readyAt }`)
  const all = found as FoundMessage[]
  return { of: all.length, which: '', run: (progress) => change(all, progress) }
}

async function ofSearch({ waiting }: ChangeParts, change: Partial<WaitingChange>, run: ChangeAll): Promise<Work> {
  const search = checkSearch(change.search)
  const { expected } = change
  if (!isInteger(expected, 0)) throw badRequest('expected: the number of messages that was confirmed')
  const filter = filterOf(search)
  const view = await waiting.needed()
  // What came since then was not confirmed.
  const assertNoMore = (count: number) => {
    if (count > expected) throw countChanged(count, expected)
  }
  const of = await view.count(filter)
  assertNoMore(of)
  const text = searchText(search)
  return {
    of,
    which: text === '' ? '' : ` ${text}`,
    async run(progress) {
      const { signal } = progress
      const found = await findWaiting((fits, visit) => visitPages(shortListOf(view), fits, visit, signal), filter)
      assertNoMore(found.length)
      progress.whole(found.length)
      await run(found, progress)
    },
  }
}

/** @throws Refused, DuequeError for a method that is not there, and a time that is none */
function methodOf({ mq, parts }: ChangeParts, action: Action, change: Partial<WaitingChange>): ChangeAll {
  const { cancel, reschedule } = mq
  if (action === 'cancel' && cancel) return (found, progress) => each(found, progress, (target) => cancel(target))
  if (action !== 'cancel' && reschedule && isMovable(parts)) {
    const due = action === 'reschedule' ? dueOf(change, parts) : { at: new Date(parts.options.clock.now()) }
    return (found, progress) =>
      each(found, progress, async (target) => ((await reschedule(target, due)) ? 'rescheduled' : 'not-waiting'))
  }
  throw new Refused(
    409,
    'NOT_ALLOWED',
    `the strategy ${parts.options.strategy.name} of this connection cannot ${action}`,
  )
}

/** Without what a message holds, it can be rescheduled only where that is found. */
export function isMovable({ options: { strategy } }: Pick<InnerParts, 'options'>): boolean {
  return strategy.waitlist !== undefined || strategy.journal !== undefined
}

type Outcome = Parameters<JobProgress['count']>[0]

/** A fault that is not about the one message would meet the others as well: it ends the job. */
async function each(
  found: readonly FoundMessage[],
  progress: JobProgress,
  change: Parameters<typeof changeEach<Outcome>>[1],
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([progress.signal, stop.signal])
  let failure: { error: unknown } | undefined
  for await (const { outcome, error } of changeEach(found, change, signal)) {
    progress.count(error ? 'failed' : outcome)
    if (!error) continue
    failure ??= { error }
    stop.abort()
  }
  if (failure) throw failure.error
}

function dueOf({ at, in: delay }: Partial<WaitingChange>, { options: { clock, strategy } }: InnerParts): Due {
  const due = { ...(at !== undefined && { at }), ...(delay !== undefined && { in: delay }) } as Due
  const dueAt = resolveDue(due, clock.now(), strategy.limits.maxDelayMs)
  // One instant for all, however long the job takes.
  return { at: new Date(dueAt) }
}

function foundOf(message: unknown): FoundMessage | undefined {
  const { id, revision, readyAt } = Object(message) as Record<string, unknown>
  if (typeof id !== 'string' || id === '' || !isInteger(revision, 0) || typeof readyAt !== 'string') return undefined
  return { id, revision, readyAt: parseInstant(readyAt, 'readyAt') }
}
