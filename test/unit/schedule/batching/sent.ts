import { nextTick } from 'node:process'
import { setImmediate as turn } from 'node:timers/promises'
import { decodeBatch, queueOfBatches } from '../../../../src/message/batch.js'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { HEADER } from '../../../../src/message/headers.js'
import { BatchSender } from '../../../../src/schedule/batching/batch-sender.js'
import type { WaitOptions } from '../../../../src/strategies/strategy.js'

export const NOW = Date.UTC(2026, 10, 23, 9)
const MIB = 1024 * 1024

let made = 0

/** A new message that is due in an hour. */
export function messageOf(fields: Partial<DelayedMessage> = {}): DelayedMessage {
  const n = made++
  return {
    id: `id-${n}`,
    name: 'note',
    version: 1,
    body: Buffer.from(`{"n":${n}}`),
    destination: { queue: 'q' },
    dueAt: NOW + 3_600_000,
    scheduledAt: NOW,
    expiresAt: undefined,
    revision: NOW * 1000 + n,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...fields,
  }
}

export const messagesOf = (count: number, fields: Partial<DelayedMessage> = {}) =>
  Array.from({ length: count }, () => messageOf(fields))

/** The messages inside; undefined for a message that is no batch. */
export function itemsOf({ destination, body, headers }: DelayedMessage): DelayedMessage[] | undefined {
  const queue = queueOfBatches(destination.queue ?? '')
  return queue === undefined ? undefined : decodeBatch(body, headers[HEADER.items], queue)
}

/** A message that a strategy was given. */
interface Sent {
  readonly message: DelayedMessage
  readonly options: WaitOptions
  readonly confirm: () => void
  readonly fail: (error: unknown) => void
}

/** What a sender of batches gives to its strategy, which confirms nothing by itself. */
export function startSender({ maxBodyBytes = 16 * MIB } = {}) {
  const sent: Sent[] = []
  const schedule = (message: DelayedMessage, options: WaitOptions) =>
    new Promise<void>((confirm, fail) => sent.push({ message, options, confirm, fail }))
  const sender = new BatchSender({ strategy: { schedule }, clock: { now: () => NOW }, maxBodyBytes })
  const start = (message: DelayedMessage, options: WaitOptions = { declare: false }) => {
    const outcome = sender.schedule(message, options)
    // Not every test looks at it.
    outcome.catch(() => undefined)
    return outcome
  }
  return {
    sent,
    /** By the number of their items: 1 for a message that is no batch. */
    sizes: () => sent.map(({ message }) => itemsOf(message)?.length ?? 1),
    schedule: start,
    scheduleAll: (messages: readonly DelayedMessage[]) => messages.map((message) => start(message)),
  }
}

/** Resolves at the end of a turn of the event loop, after everything that ends there. */
export async function endOfTurn(): Promise<void> {
  await turn()
  await new Promise<void>((resolve) => nextTick(resolve))
}
