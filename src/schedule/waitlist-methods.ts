import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../base/backoff.js'
import { DuequeError, shown } from '../base/errors.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { resolveDue, type Due } from '../message/due.js'
import { receiptOf } from '../message/receipt.js'
import type { Strategy } from '../strategies/strategy.js'
import type { TransactionWaitlist, Waitlist } from '../strategies/waitlist.js'
import type { CancelResult } from './cancel-result.js'
import { replacement, withDue } from './replacement.js'
import { checkDueNames, type RescheduleContent } from './reschedule-content.js'
import { checkTarget, type CancelTarget, type ResolvedTarget } from './target.js'
import { EXACT, findIn, viewMethods } from './view-methods.js'
import type { Rescheduled } from './waiting.js'

/** How often one call tries again, because others changed the message first, or have locked it: for 5 s at most. */
const MAX_ATTEMPTS = 50

/** The methods that change waiting messages, with the transaction of the caller, if there is one. */
export interface ChangeMethods {
  cancel(target: CancelTarget, transaction?: unknown): Promise<CancelResult>
  reschedule<In>(
    target: CancelTarget,
    due: Due,
    content?: RescheduleContent<In>,
    transaction?: unknown,
  ): Promise<Rescheduled | undefined>
}

/** The methods over a strategy's waitlist. */
export function waitlistMethods(
  { name, limits }: Pick<Strategy, 'name' | 'limits'>,
  waitlist: Waitlist,
  now: () => number,
): ChangeMethods & ReturnType<typeof viewMethods> {
  return {
    async cancel(target, transaction) {
      const resolved = checkTarget(target)
      return within(waitlist, transaction, (list) => cancel(list, resolved, name))
    },
    async reschedule(target, due, content, transaction) {
      const resolved = checkTarget(target)
      checkDueNames(due)
      const dueAt = resolveDue(due, now(), limits.maxDelayMs)
      const by = content === undefined ? undefined : await replacement(content, dueAt, now(), limits.maxDelayMs)
      const change = (message: DelayedMessage) => by?.(message) ?? withDue(message, dueAt)
      return within(waitlist, transaction, (list) => reschedule(list, resolved, change, name))
    },
    ...viewMethods(waitlist, EXACT),
  }
}

function within<T>(
  waitlist: Waitlist,
  transaction: unknown,
  work: (waitlist: TransactionWaitlist) => Promise<T>,
): Promise<T> {
  return transaction === undefined ? work(waitlist) : waitlist.within!(transaction, work)
}

async function cancel(waitlist: TransactionWaitlist, target: ResolvedTarget, store: string): Promise<CancelResult> {
  let isCancelled = false
  for (let attempt = 1; ; attempt++) {
    let isLeft = false
    // In a transaction, one after the other.
    for (const message of await findIn(waitlist, target)) {
      if (await waitlist.remove(message)) isCancelled = true
      else isLeft = true
    }
    if (!isLeft) return isCancelled ? 'cancelled' : 'not-waiting'
    // The next look tells whether it was handed over, or is locked.
    await again(attempt, store, target.id)
  }
}

async function reschedule(
  waitlist: TransactionWaitlist,
  target: ResolvedTarget,
  change: (message: DelayedMessage) => DelayedMessage,
  store: string,
): Promise<Rescheduled | undefined> {
  for (let attempt = 1; ; attempt++) {
    const [message] = await findIn(waitlist, target)
    if (!message) return undefined
    const by = change(message)
    // Otherwise it was handed over, or rescheduled by somebody else.
    if (await waitlist.replace(message, by)) return { ...receiptOf(by, EXACT), replaced: 'cancelled' }
    await again(attempt, store, target.id)
  }
}

/** @throws DuequeError `STORE_ERROR` if that was the last attempt */
async function again(attempt: number, store: string, id: string): Promise<void> {
  if (attempt === MAX_ATTEMPTS) {
    const what = `the message ${shown(id)} waits, and was changed or locked by others in each of ${MAX_ATTEMPTS} attempts`
    throw new DuequeError('STORE_ERROR', `${store}: ${what}. Repeat the call later`, { store })
  }
  await pause(backoff(attempt, { baseMs: 1, maxMs: 100 }))
}
