import { setTimeout as pause } from 'node:timers/promises'
import { AmqpBroker } from '../amqp/amqp-broker.js'
import { quietEvents } from '../amqp/connection/quiet-events.js'
import { withConnection } from '../amqp/connection/operator-connection.js'
import { aFunction, anAbortSignal, flag } from '../base/checks.js'
import { isDuequeError } from '../base/errors.js'
import { batchQueue, decodeBatch } from '../message/batch.js'
import { checkQueueName } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { HEADER } from '../message/headers.js'
import { openSession } from '../session.js'
import { FailedQueue, type TakenMessage } from './failed/failed-queue.js'
import { operatorSettings, type OnProgress, type OperatorOptions } from './operator-settings.js'

export interface UnpackOptions extends OperatorOptions {
  /** Goes on until the signal is aborted, because batches that wait come to the queue when they are due. @default false */
  watch?: boolean | undefined
  /** Ends it after the batches that are under way. */
  signal?: AbortSignal | undefined
  /** Batches taken, of how many that were there. */
  onProgress?: OnProgress | undefined
  /** RabbitMQ takes no messages for now. */
  onBlocked?: ((reason: string) => void) | undefined
  onError?: ((error: Error) => void) | undefined
}

export interface UnpackSummary {
  /** The work queue. */
  queue: string
  /** Batches that were taken apart. */
  batches: number
  /** Messages that were in them. */
  messages: number
  /** Batches that this version cannot read. They stay. */
  unreadable: number
}

/** Batches under way at most, each with up to 64 messages. */
const AT_A_TIME = 16
const LOOK_EVERY_MS = 1000

/**
 * Takes the batches in `<queue>.batches` apart, for consumers that take none: each message goes to the queue as one of its own,
 * when it is due. A batch is removed when all of its messages are confirmed: if this is killed half-way, nothing is lost, and
 * consumers suppress a copy that is there twice.
 *
 * @throws DuequeError `DESTINATION_MISSING` if one of the queues is missing, `PERMISSION_DENIED`; as `connect` does; what failed
 * half-way, with the batches that are left in the queue
 * @example
 * const { messages } = await unpackBatches('reminders', { url })
 */
export async function unpackBatches(queue: string, options: UnpackOptions = {}): Promise<UnpackSummary> {
  checkQueueName('queue', queue)
  const settings = operatorSettings(options, {
    watch: flag,
    signal: anAbortSignal,
    onProgress: aFunction,
    onBlocked: aFunction,
    onError: aFunction,
  })
  const { watch = false, signal, onBlocked: blocked, onError: error } = options
  const events = quietEvents({ ...(blocked && { blocked }), ...(error && { error }) })
  const own = { ...settings, signal: undefined }
  const session = await openSession(new AmqpBroker(own, events), own, { onError: events.error })
  const unpacking = new Unpacking(queue, options, async (message) => {
    await settings.strategy.schedule(message, { declare: false })
  })
  try {
    await withConnection(own, async (connection) => {
      do {
        await unpacking.run(await FailedQueue.openOn(connection, batchQueue(queue)))
        if (watch) await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
      } while (watch && !signal?.aborted)
    })
  } finally {
    await session.close()
  }
  return unpacking.summary
}

class Unpacking {
  readonly summary: UnpackSummary
  readonly #options: UnpackOptions
  readonly #send: (message: DelayedMessage) => Promise<void>

  constructor(queue: string, options: UnpackOptions, send: (message: DelayedMessage) => Promise<void>) {
    this.summary = { queue, batches: 0, messages: 0, unreadable: 0 }
    this.#options = options
    this.#send = send
  }

  /** Takes what is there, and gives back the rest. */
  async run(taken: FailedQueue): Promise<void> {
    const { signal, onProgress } = this.#options
    const underWay = new Set<Promise<void>>()
    const failures: unknown[] = []
    this.summary.unreadable = 0
    let done = 0
    try {
      for await (const stored of taken.messages()) {
        if (signal?.aborted || failures.length > 0) break
        const one: Promise<void> = this.#unpack(taken, stored)
          .then(() => onProgress?.(++done, taken.count))
          .catch((error: unknown) => void failures.push(error))
          .finally(() => underWay.delete(one))
        underWay.add(one)
        if (underWay.size >= AT_A_TIME) await Promise.race(underWay)
      }
      await Promise.all(underWay)
      if (failures.length > 0) throw failures[0]
      await taken.settle()
    } finally {
      await Promise.all(underWay)
      await taken.close()
    }
  }

  async #unpack(taken: FailedQueue, stored: TakenMessage): Promise<void> {
    const items = this.#itemsOf(stored)
    if (!items) return
    await Promise.all(items.map(this.#send))
    taken.remove(stored)
    this.summary.batches++
    this.summary.messages += items.length
  }

  #itemsOf({ body, headers }: TakenMessage): DelayedMessage[] | undefined {
    try {
      return decodeBatch(body, headers[HEADER.items], this.summary.queue)
    } catch (error) {
      if (isDuequeError(error)) throw error
      this.summary.unreadable++
      return undefined
    }
  }
}
