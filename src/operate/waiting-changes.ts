import { isForOwnQueue } from '../amqp/topology/reserved-names.js'
import { readyAt } from '../message/delayed-message.js'
import { isoTime } from '../message/iso-time.js'
import type { Receipt } from '../message/receipt.js'
import { runAll, type ItemResult } from '../schedule/run-all.js'
import {
  positionOf,
  type JournalledMessage,
  type ListedMessage,
  type WaitingView,
  type WaitlistFilter,
} from '../strategies/waiting-view.js'

/** How many changes are on their way at a time. */
export const AT_A_TIME = { messages: 1000, bytes: Infinity, bodyBytes: 0 }

/** Messages of one answer of a store. */
const PAGE = 1000

/** A message as it waited when it was looked for. */
export interface FoundMessage {
  readonly id: string
  readonly revision: number
  readonly readyAt: number
}

/** Visits waiting messages that fit a filter, in no order. */
export type VisitWaiting = (filter: WaitlistFilter, visit: (message: ListedMessage) => void) => Promise<void>

/**
 * Visits every waiting message that fits, in the order of time, page by page.
 *
 * @param list of a view
 * @throws what the view throws, and the reason of the signal
 */
export async function visitPages<M extends ListedMessage = JournalledMessage>(
  list: (...args: Parameters<WaitingView['list']>) => Promise<readonly M[]>,
  filter: WaitlistFilter,
  visit: (message: M) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let last: M | undefined; ;) {
    const page = await list(filter, { after: last && positionOf(last), limit: PAGE })
    signal?.throwIfAborted()
    for (const message of page) visit(message)
    if (page.length < PAGE) return
    last = page.at(-1)
  }
}

/** The users' messages that fit, the first to be due first: those are soon too late. */
export async function findWaiting(visitAll: VisitWaiting, filter: WaitlistFilter): Promise<FoundMessage[]> {
  const found: FoundMessage[] = []
  await visitAll(filter, (message) => {
    const { id, revision } = message
    // A schedule of recurring messages would miss its tick.
    if (!isForOwnQueue(message)) found.push({ id, revision, readyAt: readyAt(message) })
  })
  return found.sort((a, b) => a.readyAt - b.readyAt)
}

/**
 * Changes each message, and yields each outcome as it is known. After an abort no further one is begun.
 *
 * @param change called with what `cancel` and `reschedule` take
 */
export function changeEach<Outcome>(
  found: readonly FoundMessage[],
  change: (target: Receipt) => Promise<Outcome>,
  signal: AbortSignal,
): AsyncGenerator<ItemResult<FoundMessage, { outcome: Outcome }>, void, undefined> {
  const work = { run: (one: FoundMessage) => change(targetOf(one)), done: (outcome: Outcome) => ({ outcome }) }
  return runAll(until(signal, found), work, AT_A_TIME)
}

function* until<T>(signal: AbortSignal, items: readonly T[]): Generator<T> {
  for (const item of items) {
    if (signal.aborted) return
    yield item
  }
}

/** A retry is handed over later than the message was due: the cancellation has to last as long. */
function targetOf({ id, revision, readyAt }: FoundMessage): Receipt {
  return { id, revision, dueAt: isoTime(readyAt) } as Receipt
}
