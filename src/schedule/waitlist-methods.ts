import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../base/backoff.js'
import { DuequeError, shown } from '../base/errors.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import { resolveDue } from '../message/due.js'
import { receiptOf } from '../message/receipt.js'
import type { Strategy } from '../strategies/strategy.js'
import type { Waitlist } from '../strategies/waitlist.js'
import { checkFilter, checkList, cursorOf } from './list-options.js'
import { replacement } from './replacement.js'
import { checkDueNames } from './reschedule-content.js'
import { checkTarget, type CancelTarget } from './target.js'
import type { Rescheduled, WaitingMessage, WaitingMethods } from './waiting.js'

/** How often one reschedule tries again, because somebody else changed the message first. */
const MAX_REPLACES = 50

/** A waiting message can be cancelled until the last moment. */
const EXACT = 0

/** The methods over a strategy's waitlist. */
export function waitlistMethods(
  { name, limits }: Pick<Strategy, 'name' | 'limits'>,
  waitlist: Waitlist,
  now: () => number,
): Omit<WaitingMethods, 'cancelAll'> {
  return {
    async cancel(target) {
      const found = await find(waitlist, target)
      const removed = await Promise.all(found.map((message) => waitlist.remove(message)))
      return removed.includes(true) ? 'cancelled' : 'not-waiting'
    },
    async reschedule(target, due, content) {
      checkTarget(target)
      checkDueNames(due)
      const dueAt = resolveDue(due, now(), limits.maxDelayMs)
      const by = content === undefined ? undefined : await replacement(content, dueAt, now(), limits.maxDelayMs)
      return reschedule(waitlist, target, (message) => by?.(message) ?? withDue(message, dueAt), name)
    },
    async get(target) {
      const [message] = await find(waitlist, target)
      return message && waitingMessage(message)
    },
    async list(options = {}) {
      const { filter, after, limit } = checkList(options)
      const messages = await waitlist.list(filter, { after, limit })
      const last = messages.length === limit ? messages.at(-1) : undefined
      return { messages: messages.map(waitingMessage), cursor: last && cursorOf(last) }
    },
    async count(filter = {}) {
      return waitlist.count(checkFilter(filter))
    },
  }
}

/** The waiting messages of a receipt or an id, the latest revision first. */
async function find(waitlist: Waitlist, target: CancelTarget): Promise<readonly DelayedMessage[]> {
  const { id, revision } = checkTarget(target)
  const found = await waitlist.find(id)
  return revision === undefined ? found : found.filter((message) => message.revision === revision)
}

async function reschedule(
  waitlist: Waitlist,
  target: CancelTarget,
  change: (message: DelayedMessage) => DelayedMessage,
  store: string,
): Promise<Rescheduled | undefined> {
  for (let attempt = 1; ; attempt++) {
    const [message] = await find(waitlist, target)
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

function withDue(message: DelayedMessage, dueAt: number): DelayedMessage {
  const { expiresAt } = message
  const shifted = expiresAt === undefined ? undefined : Math.max(expiresAt + dueAt - message.dueAt, dueAt)
  return { ...message, dueAt, retryAt: undefined, expiresAt: shifted }
}

function waitingMessage(message: DelayedMessage): WaitingMessage {
  const { id, name, body, dueAt, scheduledAt, attempt, headers } = message
  return {
    id,
    name,
    payload: jsonOf(body),
    dueAt: new Date(dueAt),
    readyAt: new Date(readyAt(message)),
    scheduledAt: new Date(scheduledAt),
    attempt,
    headers,
    receipt: receiptOf(message, EXACT),
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString()) as unknown
  } catch {
    return undefined
  }
}
