import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../base/backoff.js'
import { checkNames } from '../base/checks.js'
import { DuequeError, shown } from '../base/errors.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import { resolveDue, type Due } from '../message/due.js'
import { receiptOf, type Receipt } from '../message/receipt.js'
import type { Strategy } from '../strategies/strategy.js'
import type { Waitlist } from '../strategies/waitlist.js'
import { checkFilter, checkList, cursorOf } from './list-options.js'
import { checkTarget, type CancelTarget } from './target.js'
import type { WaitingMessage, WaitingMethods } from './waiting.js'

/** How often one reschedule tries again, because somebody else changed the message first. */
const MAX_REPLACES = 50

const DUE: Record<keyof Due, true> = { in: true, at: true }

/** The methods over a strategy's waitlist. */
export function waitlistMethods(
  { name, limits }: Pick<Strategy, 'name' | 'limits'>,
  waitlist: Waitlist,
  now: () => number,
): WaitingMethods {
  return {
    async cancel(target) {
      const found = await find(waitlist, target)
      const removed = await Promise.all(found.map((message) => waitlist.remove(message)))
      return removed.includes(true) ? 'cancelled' : 'not-waiting'
    },
    async reschedule(target, due) {
      checkNames(due, DUE, 'due')
      const dueAt = resolveDue(due, now(), limits.maxDelayMs)
      return reschedule(waitlist, target, dueAt, name)
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
  const { id, revision = Infinity } = checkTarget(target)
  return (await waitlist.find(id)).filter((message) => message.revision <= revision)
}

async function reschedule(
  waitlist: Waitlist,
  target: CancelTarget,
  dueAt: number,
  store: string,
): Promise<Receipt | undefined> {
  for (let attempt = 1; ; attempt++) {
    const [message] = await find(waitlist, target)
    if (!message) return undefined
    const by = withDue(message, dueAt)
    // Otherwise it was handed over, or rescheduled by somebody else.
    if (await waitlist.replace(message, by)) return receiptOf(by)
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
    receipt: receiptOf(message),
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString()) as unknown
  } catch {
    return undefined
  }
}
