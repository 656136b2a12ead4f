import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import { backoff } from '../../base/backoff.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import type { AmqpConnection } from '../connection/connection.js'
import type { ConnectionSettings } from '../connection/connect-to.js'
import { disabledFeature, isAway, isClientFault, isLoss, operationFailure, replyCode } from '../connection/failures.js'
import { closeInTime } from '../connection/close-in-time.js'
import { endsWithin, TIMED_OUT } from '../../base/time-limit.js'
import { RefusedDeclarations, reasonOf } from './refused-declarations.js'
import { declareApart } from './declare-apart.js'
import type { BindingPart, ExchangePart, Part } from './part.js'

type Permission = Parameters<typeof operationFailure>[2]

/**
 * A queue that another client declares at the same moment is there within milliseconds. Every other declaration waits for its
 * turn meanwhile, so that an impatient declarer may take no longer than 150 ms.
 */
const AWAY = { retries: 4, baseMs: 10, maxMs: 500 }
/**
 * What RabbitMQ has not answered for so long is asked again, on another channel: see `Publisher`. After each attempt it may take twice
 * as long, up to {@link MOST_DOUBLINGS} times, because a queue without a majority does not answer either.
 */
const SILENT_MS = 60_000
const MOST_DOUBLINGS = 4
const SILENCE = 'the broker does not answer a declaration: it is sent again on another channel'

interface RunOptions {
  /** Permissions that it needs beside, by what they are for. */
  others?: Record<string, Permission>
  /** Not again without an answer: a deletion would delete what was declared since. */
  once?: boolean
}

const ONCE: RunOptions = { once: true }

/**
 * Declares, looks for and deletes parts: one at a time, and again if the connection is lost meanwhile. What is not a deletion is asked
 * again if no answer comes, too.
 */
export class Declarer {
  readonly #connection: AmqpConnection
  readonly #settings: ConnectionSettings
  readonly #refusals: RefusedDeclarations
  readonly #awayMs: number
  readonly #silentMs: number
  #channel: Channel | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /**
   * @param settings for connections of its own, for declarations that may cost the connection
   * @param awayMs for so long it waits for a queue that exists, but is away
   */
  constructor(connection: AmqpConnection, settings: ConnectionSettings, awayMs = 0, silentMs = SILENT_MS) {
    this.#connection = connection
    this.#awayMs = awayMs
    this.#silentMs = silentMs
    this.#settings = settings
    this.#refusals = new RefusedDeclarations(connection, settings)
  }

  /**
   * Idempotent.
   *
   * @throws DuequeError `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `DESTINATION_MISSING`, `UNSUPPORTED`,
   * `DECLARATION_REFUSED`, `BROKER_ERROR`
   */
  declare(part: Part): Promise<void> {
    switch (part.kind) {
      case 'exchange':
        return this.#exchange(part)
      case 'queue':
        return this.#run(
          `queue ${part.name}`,
          'configure',
          (channel) => channel.assertQueue(part.name, { durable: true, arguments: part.arguments }),
          { others: { [`exchange ${String(part.arguments['x-dead-letter-exchange'])}`]: 'write' } },
        )
      case 'binding':
        return this.#binding(part, 'bind')
    }
  }

  /** Whether a queue or exchange of this name exists, whatever its arguments. */
  async exists(kind: 'queue' | 'exchange', name: string): Promise<boolean> {
    if (kind === 'queue') return (await this.count(name)) !== undefined
    return this.#look(`exchange ${name}`, (channel) => channel.checkExchange(name))
  }

  /** The number of ready messages in a queue; undefined if the queue does not exist. */
  async count(queue: string): Promise<number | undefined> {
    return (await this.counts(queue))?.messageCount
  }

  /** The numbers of ready messages and consumers of a queue; undefined if the queue does not exist. */
  async counts(queue: string): Promise<{ messageCount: number; consumerCount: number } | undefined> {
    let counts: { messageCount: number; consumerCount: number } | undefined
    await this.#look(`queue ${queue}`, async (channel) => {
      counts = await channel.checkQueue(queue)
    })
    return counts
  }

  /**
   * Deletes it with its messages. Nothing happens if it does not exist.
   *
   * @throws DuequeError as {@link declare}; `BROKER_ERROR` without an answer: it may be deleted by then, or not
   */
  delete(part: Part): Promise<void> {
    switch (part.kind) {
      case 'exchange':
        return this.#run(`exchange ${part.name}`, 'configure', (channel) => channel.deleteExchange(part.name), ONCE)
      case 'queue':
        return this.#run(`queue ${part.name}`, 'configure', (channel) => channel.deleteQueue(part.name), ONCE)
      case 'binding':
        return this.#binding(part, 'unbind')
    }
  }

  /** Closes the channel. The next operation opens another. */
  close(): void {
    this.#drop()
  }

  #exchange(part: ExchangePart): Promise<void> {
    if (part.ifUnknown !== undefined) return declareApart(this.#connection, this.#settings, part)
    const { name, type, autoDelete = false, arguments: args } = part
    return this.#run(`exchange ${name}`, 'configure', (channel) =>
      channel.assertExchange(name, type, { durable: true, autoDelete, arguments: args }),
    )
  }

  /** https://www.rabbitmq.com/docs/access-control#authorisation */
  #binding({ to, name, from, key, arguments: args }: BindingPart, action: 'bind' | 'unbind'): Promise<void> {
    const method = `${action}${to === 'queue' ? 'Queue' : 'Exchange'}` as const
    return this.#run(
      `binding of ${to} ${name} to exchange ${from}`,
      'write',
      (channel) => channel[method](name, from, key, args),
      { others: { [`${to} ${name}`]: 'write', [`exchange ${from}`]: 'read' } },
    )
  }

  async #look(what: string, operation: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    try {
      await this.#run(what, 'configure', operation)
      return true
    } catch (error) {
      if (isDuequeError(error, 'DESTINATION_MISSING')) return false
      throw error
    }
  }

  async #run(
    what: string,
    permission: Permission,
    operation: (channel: Channel) => Promise<unknown>,
    { others, once = false }: RunOptions = {},
  ): Promise<void> {
    try {
      this.#refusals.check(what)
      const closedConnection = await this.#inTurn(what, operation, once)
      if (closedConnection) await this.#refusals.tryAlone(what, operation)
    } catch (error) {
      throw operationFailure(error, what, permission, others)
    }
  }

  /**
   * One operation at a time, because an error closes the channel under all others.
   *
   * @returns whether RabbitMQ closed the connection over it. The other operations then go on without it.
   */
  #inTurn(what: string, operation: (channel: Channel) => Promise<unknown>, once: boolean): Promise<boolean> {
    const turn = this.#turn.then(async () => {
      let awaySince: number | undefined
      for (let [losses, away, silences] = [0, 0, 0]; ;) {
        const model = await this.#connection.ready()
        const reason = reasonOf(model)
        try {
          await this.#ask(model, operation, silences)
          return false
        } catch (error) {
          if (this.#connection.closed) throw new DuequeError('CLOSED', 'dueque is closed', {}, { cause: error })
          if (error === TIMED_OUT) {
            this.#endSilence(model)
            if (once) throw unanswered(what)
            silences++
            this.#settings.logger.warn(SILENCE, { what })
            continue
          }
          if (replyCode(error) === undefined) this.#drop()
          if (isLoss(error)) {
            this.#connection.suspect(model)
            const why = await reason.known()
            if (isClientFault(why)) return true
            const unsupported = disabledFeature(why)
            if (unsupported) throw unsupported
            await pause(backoff(losses++), undefined, { ref: false })
          } else if (isAway(error)) {
            awaySince ??= performance.now()
            if (away >= AWAY.retries && performance.now() - awaySince >= this.#awayMs) throw error
            await pause(backoff(away++, AWAY), undefined, { ref: false })
          } else throw error
        } finally {
          reason.forget()
        }
      }
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** An alarm is a good reason for silence. @throws {@link TIMED_OUT} without an answer */
  async #ask(model: ChannelModel, operation: (channel: Channel) => Promise<unknown>, silences: number): Promise<void> {
    const asked = this.#opened(model).then(operation)
    const patienceMs = this.#silentMs * 2 ** Math.min(silences, MOST_DOUBLINGS)
    for (;;) {
      const { blocked } = this.#connection
      if (await endsWithin(asked, patienceMs)) return
      if (blocked === undefined && this.#connection.blocked === undefined) throw TIMED_OUT
    }
  }

  /** Leaves the channel, and the connection only if RabbitMQ does not open one: other messages may be under way on it. */
  #endSilence(model: ChannelModel): void {
    if (this.#channel) this.#drop()
    else this.#connection.cut(model)
  }

  async #opened(model: ChannelModel): Promise<Channel> {
    return (this.#channel ??= await this.#open(model))
  }

  /** Drops the channel, also for a call that threw before it was sent: amqplib waits for ever for its answer. */
  #drop(): void {
    void closeInTime(this.#channel?.close())
    this.#channel = undefined
  }

  async #open(model: ChannelModel): Promise<Channel> {
    const channel = await model.createChannel()
    const forget = () => {
      if (this.#channel === channel) this.#channel = undefined
    }
    // Reported by the operation that caused it.
    channel.on('error', forget)
    channel.on('close', forget)
    return channel
  }
}

function unanswered(what: string): DuequeError<'BROKER_ERROR'> {
  const message = `${what}: the broker did not answer. It may be deleted, or not: look, and try again`
  return new DuequeError('BROKER_ERROR', message, { replyCode: undefined })
}
