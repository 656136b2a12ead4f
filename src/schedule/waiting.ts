import { setTimeout as pause } from 'node:timers/promises'
import { isDate } from 'node:util/types'
import { aText, anything, checkNames, checkOptions, group, integer, type Rules } from '../base/checks.js'
import { checkDestination, type Destination } from '../message/destination.js'
import { resolveDue, type Due } from '../message/due.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import type { Headers } from '../message/headers.js'
import { backoff } from '../base/backoff.js'
import { DuequeError, invalidOption, shown } from '../base/errors.js'
import { receiptOf, type Receipt } from '../message/receipt.js'
import type { OnConflict, Strategy } from '../strategies/strategy.js'
import { entryKey, type Position, type Waitlist, type WaitlistFilter } from '../strategies/waitlist.js'

/** A message that waits, as `get` and `list` show it. */
export interface WaitingMessage {
  readonly id: string
  readonly name: string
  /** The JSON that was scheduled; undefined for a foreign body that is none. Not checked by a schema. */
  readonly payload: unknown
  readonly dueAt: Date
  /** When it is handed over: when it is due, or its retry is. */
  readonly readyAt: Date
  readonly scheduledAt: Date
  /** 1, or more for a message that waits for a retry. */
  readonly attempt: number
  readonly headers: Headers
  /** What `cancel` and `reschedule` take. */
  readonly receipt: Receipt
}

/** Which of the messages that wait are meant: those that fit all that is given. */
export interface WaitingFilter {
  /** When they are handed over: from the first instant on, before the second. */
  due?: { from?: Date | undefined; to?: Date | undefined } | undefined
  /** The message's name, as in `defineMessage`. */
  name?: string | undefined
  /** An exchange without a routing key stands for all of its keys. */
  destination?: Destination | undefined
}

export interface ListOptions extends WaitingFilter {
  /** At most so many, 1 to 1000. @default 100 */
  limit?: number | undefined
  /** That of the page before. */
  cursor?: string | undefined
}

export interface WaitingPage {
  readonly messages: readonly WaitingMessage[]
  /** For the next page. Undefined on the last one. */
  readonly cursor: string | undefined
}

/**
 * To look at what waits and to change it, with strategies whose store can be asked. All answers are exact: a message that
 * was handed over to RabbitMQ does not wait any more, even if its consumer has not seen it yet.
 */
export interface WaitingMethods {
  /**
   * Takes back what waits: of a receipt, that schedule and its retries; of an id, all that waits under it.
   *
   * @returns `cancelled`: it will not be delivered. `not-waiting`: nothing waits that could be cancelled; it was
   * delivered, is on its way, was cancelled before, or never was
   */
  cancel(target: Receipt | string): Promise<'cancelled' | 'not-waiting'>
  /**
   * Gives it another due time; `expiresIn` counts from that. Of several under one id, the latest revision.
   *
   * @returns its receipt with the new due time, or undefined if it does not wait any more
   */
  reschedule(target: Receipt | string, due: Due): Promise<Receipt | undefined>
  /** The latest revision that waits. */
  get(target: Receipt | string): Promise<WaitingMessage | undefined>
  /** A page of what waits, by time. What is added or handed over meanwhile does not shift the pages. */
  list(options?: ListOptions): Promise<WaitingPage>
  count(filter?: WaitingFilter): Promise<number>
}

/** What a `Dueque` has beside the methods of every strategy. */
export type StrategyMethods<S> = S extends { readonly waitlist: Waitlist } ? WaitingMethods : unknown

/** Options of `schedule` that only some strategies have. */
export type StrategyScheduleOptions<S> = (S extends { readonly waitlist: Waitlist } ? ConflictOptions : unknown) &
  (S extends { checkTransaction(transaction: infer T): void } ? { transaction?: T | undefined } : unknown)

export interface ConflictOptions {
  /**
   * What to do if a message with this id waits already: `ignore` keeps that one, whose receipt is returned; `replace`
   * takes it back; `error` throws `CONFLICT`. What is on its way to its consumer does not count.
   * @default both wait
   */
  onConflict?: OnConflict | undefined
}

/** Of one reschedule that finds the message, and then not as it was: each time somebody else was faster. */
const MAX_REPLACES = 50

const DUE: Record<keyof Due, true> = { in: true, at: true }

const FILTER_RULES: Rules<WaitingFilter> = {
  // Their values are checked where they are read.
  due: group({ from: anything, to: anything }),
  name: aText,
  destination: anything,
}

const LIST_RULES: Rules<ListOptions> = { ...FILTER_RULES, limit: integer(1, 1000), cursor: aText }

/** The methods over a strategy's waitlist. */
export function waitingMethods(
  { name, limits }: Pick<Strategy, 'name' | 'limits'>,
  waitlist: Waitlist,
  now: () => number,
): WaitingMethods {
  const find = async (target: Receipt | string): Promise<readonly DelayedMessage[]> => {
    const { id, revision } = checkTarget(target)
    return (await waitlist.find(id)).filter((message) => message.revision <= revision)
  }
  return {
    async cancel(target) {
      const removed = await Promise.all((await find(target)).map((message) => waitlist.remove(message)))
      return removed.includes(true) ? 'cancelled' : 'not-waiting'
    },
    async reschedule(target, due) {
      checkNames(due, DUE, 'due')
      const dueAt = resolveDue(due, now(), limits.maxDelayMs)
      for (let attempt = 1; ; attempt++) {
        const [message] = await find(target)
        if (!message) return undefined
        const by = dueInstead(message, dueAt)
        // Otherwise it was handed over, or rescheduled by somebody else.
        if (await waitlist.replace(message, by)) return receiptOf(by)
        if (attempt === MAX_REPLACES) throw notReplaced(name, message.id)
        await pause(backoff(attempt, { baseMs: 1, maxMs: 100 }))
      }
    },
    async get(target) {
      const [message] = await find(target)
      return message && waitingMessage(message)
    },
    async list(options = {}) {
      checkOptions(options, LIST_RULES)
      const { limit = 100, cursor } = options
      const after = cursor === undefined ? undefined : parseCursor(cursor)
      const messages = await waitlist.list(checkFilter(options), { after, limit })
      const last = messages.length === limit ? messages.at(-1) : undefined
      return { messages: messages.map(waitingMessage), cursor: last && cursorOf(last) }
    },
    async count(filter = {}) {
      checkOptions(filter, FILTER_RULES)
      return waitlist.count(checkFilter(filter))
    },
  }
}

function notReplaced(store: string, id: string): DuequeError<'STORE_ERROR'> {
  const what = `the message ${shown(id)} waits, and was changed by others or could not be changed ${MAX_REPLACES} times`
  return new DuequeError('STORE_ERROR', `${store}: ${what}`, { store })
}

function dueInstead(message: DelayedMessage, dueAt: number): DelayedMessage {
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

function checkTarget(target: unknown): { id: string; revision: number } {
  if (typeof target === 'string' && target !== '') return { id: target, revision: Infinity }
  const { id, revision } = (target ?? {}) as Partial<Receipt>
  if (typeof id === 'string' && id !== '' && Number.isSafeInteger(revision)) return { id, revision: revision! }
  throw invalidOption('target', 'a receipt or an id', target)
}

function checkFilter({ due = {}, name, destination }: WaitingFilter): WaitlistFilter {
  return {
    from: checkDate('due.from', due.from),
    to: checkDate('due.to', due.to),
    name,
    destination: destination === undefined ? undefined : checkFilterDestination(destination),
  }
}

/** Unlike one to send to, its exchange may do without a routing key. */
function checkFilterDestination(destination: Destination): Destination {
  const checked = checkDestination(destination)
  return checked.exchange === undefined || destination.routingKey !== undefined
    ? checked
    : { exchange: checked.exchange }
}

function checkDate(option: string, date: Date | undefined): number | undefined {
  if (date === undefined) return undefined
  if (isDate(date) && !Number.isNaN(date.getTime())) return date.getTime()
  throw invalidOption(option, 'a Date', date)
}

/** Opaque to callers. */
function cursorOf(message: DelayedMessage): string {
  return Buffer.from(JSON.stringify([readyAt(message), entryKey(message)])).toString('base64url')
}

function parseCursor(cursor: string): Position {
  try {
    const [readyAt, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [unknown, unknown]
    if (typeof readyAt === 'number' && typeof key === 'string') return { readyAt, key }
  } catch {
    // The same as one that says something else.
  }
  throw invalidOption('cursor', 'that of the page before', shown(cursor))
}
