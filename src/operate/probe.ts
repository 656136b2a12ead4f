import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Channel } from 'amqplib'
import { AmqpBroker } from '../amqp/amqp-broker.js'
import { closeInTime } from '../amqp/connection/close-in-time.js'
import { AmqpConnection } from '../amqp/connection/connection.js'
import { parseEndpoints } from '../amqp/connection/endpoint.js'
import { operationFailure } from '../amqp/connection/failures.js'
import { quietEvents } from '../amqp/connection/quiet-events.js'
import { Names } from '../amqp/topology/names.js'
import { beforeAbort } from '../base/before-abort.js'
import { errorText, isDuequeError } from '../base/errors.js'
import type { ResolvedOptions } from '../options.js'
import { resolveSchedule } from '../schedule/schedule-options.js'
import { openSession, type Session } from '../session.js'
import { probeQueue, type ProbePurpose } from './queue-roles.js'

/** Of each message of a probe. */
const PROBE_DELAY_MS = 1000
/** After a message was due. */
export const PROBE_PATIENCE_MS = 20_000
/** The queue goes by itself, with the message and the binding, if this process is killed. */
const QUEUE_EXPIRES_MS = 120_000

/** The fate of a message of a probe. */
export type Trip =
  | { arrived: true; latenessMs: number }
  | { arrived: false; why: 'lost' | 'interrupted' }
  | { arrived: false; why: 'blocked' | 'denied' | 'failed'; text: string }

/**
 * A queue of its own, to which it sends messages with a delay of 1 s. Declares everything that a `schedule` declares. After a
 * trip that has not arrived it is of no more use.
 */
export class Probe {
  readonly #options: ResolvedOptions
  readonly #purpose: ProbePurpose
  readonly #queue: string
  readonly #connection: AmqpConnection
  readonly #events = quietEvents({
    blocked: (reason) => (this.#blocked = reason),
    unblocked: () => (this.#blocked = undefined),
  })
  /** Of the queue's consumer. */
  readonly #lost = new AbortController()
  #blocked: string | undefined
  #session: Session | undefined
  #isClosed = false
  #awaited: { id: string; tell: (at: number) => void } | undefined
  #dueAt: number | undefined

  /** @param purpose part of the names of its connections, queue and messages */
  constructor(options: ResolvedOptions, purpose: ProbePurpose) {
    this.#options = options
    this.#purpose = purpose
    this.#queue = probeQueue(new Names(options.namespace), purpose, randomBytes(4).toString('hex'))
    const settings = { ...options, endpoints: parseEndpoints(options.url), name: `${options.name} ${purpose}` }
    this.#connection = new AmqpConnection(settings, this.#events)
  }

  /** When the message that is on its way is due, in milliseconds since the epoch. Undefined if none is. */
  get dueAt(): number | undefined {
    return this.#dueAt
  }

  /** Sends one message and waits for it. One after another. */
  async trip(signal: AbortSignal): Promise<Trip> {
    try {
      if (!this.#session) await beforeAbort(this.#open(), signal)
      if (signal.aborted) return { arrived: false, why: 'interrupted' }
      const over = AbortSignal.any([signal, this.#lost.signal])
      const id = `probe-${randomUUID()}`
      const at = new Promise<number>((resolve) => (this.#awaited = { id, tell: resolve }))
      const dueAt = (this.#dueAt = await this.#schedule(id, over))
      const arrivedAt = await arrived(at, over)
      if (arrivedAt !== undefined) return { arrived: true, latenessMs: arrivedAt - dueAt }
      if (this.#lost.signal.aborted && !signal.aborted) throw new Error('the connection was lost')
      return { arrived: false, why: signal.aborted ? 'interrupted' : 'lost' }
    } catch (error) {
      if (signal.aborted) return { arrived: false, why: 'interrupted' }
      if (this.#blocked !== undefined) return { arrived: false, why: 'blocked', text: this.#blocked }
      const why = isDuequeError(error, 'PERMISSION_DENIED') ? 'denied' : 'failed'
      return { arrived: false, why, text: errorText(error) }
    } finally {
      this.#dueAt = undefined
    }
  }

  /** Deletes the queue, in any case. A silent broker is left after 3 s. */
  async close(): Promise<void> {
    this.#isClosed = true
    const session = this.#session
    const [isClosed, isRemoved] = await Promise.all([
      closeInTime(session?.close()),
      closeInTime(remove(this.#connection, this.#queue)),
    ])
    if (!isClosed) session?.destroy()
    if (isRemoved) await this.#connection.close()
    else this.#connection.destroy()
  }

  async #open(): Promise<void> {
    const options = this.#options
    await this.#connection.open()
    const channel = await (await this.#connection.ready()).createChannel()
    // Reported by the operation that caused it.
    channel.on('error', () => undefined)
    channel.on('close', () => this.#lost.abort())
    await this.#listen(channel)
    const session = await openSession(new AmqpBroker(options, this.#events), options, { onError: () => undefined })
    // A trip that was interrupted meanwhile has not waited for it.
    if (this.#isClosed) session.destroy()
    else this.#session = session
  }

  async #listen(channel: Channel): Promise<void> {
    try {
      await channel.assertQueue(this.#queue, {
        durable: true,
        arguments: { 'x-queue-type': 'classic', 'x-expires': QUEUE_EXPIRES_MS },
      })
      const take = (id: unknown) => (id === this.#awaited?.id ? this.#awaited?.tell(Date.now()) : undefined)
      const consumed = channel.consume(this.#queue, (message) => take(message?.properties.messageId), { noAck: true })
      await consumed
    } catch (error) {
      throw operationFailure(error, `queue ${this.#queue}`, 'configure')
    }
  }

  async #schedule(id: string, signal: AbortSignal): Promise<number> {
    const { strategy, clock } = this.#options
    const to = { queue: this.#queue }
    const draft = resolveSchedule({ to, in: PROBE_DELAY_MS, id }, clock.now(), PROBE_DELAY_MS)
    const message = { ...draft, name: `dueque.${this.#purpose}`, version: 1, body: Buffer.from('null') }
    await strategy.schedule(message, { declare: false, signal })
    return draft.dueAt
  }
}

/** Resolves to when the message arrived. Undefined if it did not in time, or the signal was first. */
async function arrived(at: Promise<number>, signal: AbortSignal): Promise<number | undefined> {
  if (signal.aborted) return undefined
  const done = new AbortController()
  const timer = setTimeout(() => done.abort(), PROBE_DELAY_MS + PROBE_PATIENCE_MS)
  const over = Promise.race([once(signal, 'abort', done), once(done.signal, 'abort')]).catch(() => undefined)
  const result = await Promise.race([at, over.then(() => undefined)])
  clearTimeout(timer)
  done.abort()
  return result
}

/** On a new channel: the other may have been closed by an error. Its binding goes with the queue. */
async function remove(connection: AmqpConnection, queue: string): Promise<void> {
  const channel = await connection.model?.createChannel()
  channel?.on('error', () => undefined)
  await channel?.deleteQueue(queue)
}
