import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import { backoff } from '../../base/backoff.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import type { AmqpConnection, ConnectionSettings } from '../connection/connection.js'
import { isAway, isClientFault, isLoss, operationFailure, replyCode } from '../connection/failures.js'
import { closeInTime } from '../connection/close-in-time.js'
import { RefusedDeclarations, reasonOf } from './refused-declarations.js'
import { DELAYED_TYPE, type BindingPart, type ExchangePart, type Part } from './layout.js'

type Permission = Parameters<typeof operationFailure>[2]

/**
 * What another client declares at the same moment is there within milliseconds. A node that is down is not waited for: all
 * that is to be declared waits for its turn, so this may take no longer than 150 ms.
 */
const AWAY = { retries: 4, baseMs: 10 }

/** Declares, looks for and deletes parts of the layout: one at a time, and again if the connection is lost meanwhile. */
export class Declarer {
  readonly #connection: AmqpConnection
  readonly #declarePlugin: (part: ExchangePart) => Promise<void>
  readonly #refusals: RefusedDeclarations
  #channel: Channel | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /**
   * @param settings for connections of its own
   * @param declarePlugin declares an exchange of a type that the broker may not know, which may cost the connection
   */
  constructor(
    connection: AmqpConnection,
    settings: ConnectionSettings,
    declarePlugin: (part: ExchangePart) => Promise<void>,
  ) {
    this.#connection = connection
    this.#refusals = new RefusedDeclarations(connection, settings)
    this.#declarePlugin = declarePlugin
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
        if (part.type === DELAYED_TYPE) return this.#declarePlugin(part)
        return this.#run(`exchange ${part.name}`, 'configure', (channel) =>
          channel.assertExchange(part.name, part.type, {
            durable: true,
            autoDelete: part.autoDelete ?? false,
            arguments: part.arguments,
          }),
        )
      case 'queue':
        return this.#run(
          `queue ${part.name}`,
          'configure',
          (channel) => channel.assertQueue(part.name, { durable: true, arguments: part.arguments }),
          { [`exchange ${String(part.arguments['x-dead-letter-exchange'])}`]: 'write' },
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

  /** The messages that are ready in a queue; undefined if there is none of this name. */
  async count(queue: string): Promise<number | undefined> {
    let count: number | undefined
    await this.#look(`queue ${queue}`, async (channel) => {
      count = (await channel.checkQueue(queue)).messageCount
    })
    return count
  }

  /** With what is in it. Nothing happens if it does not exist. */
  delete(part: Part): Promise<void> {
    switch (part.kind) {
      case 'exchange':
        return this.#run(`exchange ${part.name}`, 'configure', (channel) => channel.deleteExchange(part.name))
      case 'queue':
        return this.#run(`queue ${part.name}`, 'configure', (channel) => channel.deleteQueue(part.name))
      case 'binding':
        return this.#binding(part, 'unbind')
    }
  }

  /** Lets go of the channel. The next operation opens one again. */
  close(): void {
    this.#drop()
  }

  /** https://www.rabbitmq.com/docs/access-control#authorisation */
  #binding({ to, name, from, key, arguments: args }: BindingPart, deed: 'bind' | 'unbind'): Promise<void> {
    const method = `${deed}${to === 'queue' ? 'Queue' : 'Exchange'}` as const
    return this.#run(
      `binding of ${to} ${name} to exchange ${from}`,
      'write',
      (channel) => channel[method](name, from, key, args),
      { [`${to} ${name}`]: 'write', [`exchange ${from}`]: 'read' },
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
    asked: Permission,
    operation: (channel: Channel) => Promise<unknown>,
    beside: Record<string, Permission> = {},
  ): Promise<void> {
    try {
      this.#refusals.check(what)
      const isSuspect = await this.#inTurn(operation)
      if (isSuspect) await this.#refusals.tryAlone(what, operation)
    } catch (error) {
      throw operationFailure(error, what, asked, beside)
    }
  }

  /**
   * One operation at a time, because an error closes the channel under all others.
   *
   * @returns whether the broker closed the connection over it. Others go on without it then.
   */
  #inTurn(operation: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    const turn = this.#turn.then(async () => {
      for (let [losses, away] = [0, 0]; ;) {
        const model = await this.#connection.ready()
        const reason = reasonOf(model)
        try {
          this.#channel ??= await this.#open(model)
          await operation(this.#channel)
          return false
        } catch (error) {
          if (this.#connection.closed) throw new DuequeError('CLOSED', 'dueque is closed', {}, { cause: error })
          if (replyCode(error) === undefined) this.#drop()
          if (isLoss(error)) {
            this.#connection.suspect(model)
            if (isClientFault(await reason.known())) return true
            await pause(backoff(losses++), undefined, { ref: false })
          } else if (isAway(error) && away < AWAY.retries) await pause(backoff(away++, AWAY))
          else throw error
        } finally {
          reason.forget()
        }
      }
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** amqplib's channels wait for ever for the answer to a call that threw before it was sent. */
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
