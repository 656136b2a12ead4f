import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../base/backoff.js'
import { DuequeError, shown } from '../base/errors.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { resolveDue } from '../message/due.js'
import { receiptOf } from '../message/receipt.js'
import type { Strategy } from '../strategies/strategy.js'
import type { Waitlist } from '../strategies/waitlist.js'
import { replacement, withDue } from './replacement.js'
import { checkDueNames } from './reschedule-content.js'
import { checkTarget, type ResolvedTarget } from './target.js'
import { EXACT, findIn, viewMethods } from './view-methods.js'
import type { Rescheduled, WaitingMethods } from './waiting.js'

/** How often one reschedule tries again, because somebody else changed the message first. */
const MAX_REPLACES = 50

/** The methods over a strategy's waitlist. */
export function waitlistMethods(
  { name, limits }: Pick<Strategy, 'name' | 'limits'>,
  waitlist: Waitlist,
  now: () => number,
): Omit<WaitingMethods, 'cancelAll'> {
  return {
    async cancel(target) {
      const found = await findIn(waitlist, checkTarget(target))
      const removed = await Promise.all(found.map((message) => waitlist.remove(message)))
      return removed.includes(true) ? 'cancelled' : 'not-waiting'
    },
    async reschedule(target, due, content) {
      const resolved = checkTarget(target)
      checkDueNames(due)
      const dueAt = resolveDue(due, now(), limits.maxDelayMs)
      const by = content === undefined ? undefined : await replacement(content, dueAt, now(), limits.maxDelayMs)
      return reschedule(waitlist, resolved, (message) => by?.(message) ?? withDue(message, dueAt), name)
    },
    ...viewMethods(waitlist, EXACT),
  }
}

async function reschedule(
  waitlist: Waitlist,
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
    if (attempt === MAX_REPLACES) throw notReplaced(store, message.id)
    await pause(backoff(attempt, { baseMs: 1, maxMs: 100 }))
  }
}

function notReplaced(store: string, id: string): DuequeError<'STORE_ERROR'> {
  const what = `the message ${shown(id)} waits, and was changed by others or could not be changed ${MAX_REPLACES} times`
  return new DuequeError('STORE_ERROR', `${store}: ${what}`, { store })
}
