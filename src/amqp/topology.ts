import { setTimeout as pause } from 'node:timers/promises'
import type { Channel } from 'amqplib'
import { backoff } from '../backoff.js'
import { checkBytes, destinationText, type Destination } from '../destination.js'
import { DuequeError, isDuequeError } from '../errors.js'
import { UNITS, type Rung } from '../strategies/ladder/rungs.js'
import type { AmqpConnection } from './connection.js'
import { isLoss, operationFailure, replyCode } from './failures.js'
import { goodbye } from './goodbye.js'
import { deadQueue, destinationKey, rungKey, zeroKey, type Names, type QueueType, type RungVariant } from './names.js'

type Permission = Parameters<typeof operationFailure>[2]
type Arguments = Record<string, unknown>

/**
 * How often a work queue gives a message that was never acked to a consumer again, before it goes to the dead queue.
 * Explicit, because 4.x drops a message silently after 20 where nothing is said and no dead-lettering is set.
 */
const DELIVERY_LIMIT = 20
/** Twice what was measured: see {@link Topology.safeAt}. */
const SAFE_AFTER_MS = 2000
/** Looking into a parking or dead queue must not wear its messages out. 3.10 takes no negative limit. */
const NO_DELIVERY_LIMIT = 2 ** 31 - 1

export interface TopologySettings {
  names: Names
  queueType: QueueType
  maxNameBytes: number
  /** When a queue was made that was not there before, by key. Shared by all topologies of a broker. */
  made: Map<string, number>
}

/**
 * Declares and binds what the broker layout consists of, once for each connection: what exists is remembered until the
 * connection is lost, since someone may delete things meanwhile. Every operation is idempotent and runs one at a time.
 */
export class Topology {
  readonly names: Names
  readonly queueType: QueueType
  readonly #connection: AmqpConnection
  readonly #maxNameBytes: number
  readonly #done = new Map<string, Promise<void> | true>()
  readonly #made: Map<string, number>
  #channel: Channel | undefined
  #epoch = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: AmqpConnection, { names, queueType, maxNameBytes, made }: TopologySettings) {
    this.#connection = connection
    this.#maxNameBytes = maxNameBytes
    this.#made = made
    this.names = names
    this.queueType = queueType
    connection.whenUp(() => this.forget())
  }

  /** Whether a message to `destination` that waits on these rungs needs nothing declared any more. */
  isReady(destination: Destination, rungs: readonly (readonly [Rung, RungVariant])[]): boolean {
    if (this.#done.get(destinationKey(destination)) !== true) return false
    return rungs.every(([rung, variant]) => this.#done.get(rungKey(rung, variant)) === true)
  }

  /**
   * Something that was declared is gone: look at everything again. Many messages may find that out at once, so only the
   * first of those sent since the last time counts.
   *
   * @param epoch what {@link epoch} was when the message was sent
   */
  forget(epoch = this.#epoch): void {
    if (epoch !== this.#epoch) return
    this.#epoch++
    this.#done.clear()
  }

  /**
   * From when on a confirm of a message on this way can be relied on. A broker that is killed within a second after a
   * quorum queue was declared starts that queue anew, empty, with whatever it had confirmed (measured on 4.3.6: in every
   * kill up to 600 ms after the declaration, in none of 7 from 1 s on).
   */
  safeAt(destination: Destination, rungs: readonly (readonly [Rung, RungVariant])[]): number {
    if (this.#made.size === 0) return 0
    const keys = [destinationKey(destination), ...rungs.map((rung) => rungKey(...rung))]
    const latest = Math.max(...keys.map((key) => this.#made.get(key) ?? 0))
    return latest + SAFE_AFTER_MS
  }

  get epoch(): number {
    return this.#epoch
  }

  get hasBase(): boolean {
    return this.#done.get('base') === true
  }

  /** The exchange in which what is due finds its way, and the queues for what does not. */
  base(): Promise<void> {
    const { deliver, unroutable, parked, dead } = this.names
    return this.#once('base', async () => {
      await this.#exchange(unroutable, 'fanout')
      await this.#queue(unroutable, this.#storage())
      await this.#exchange(parked, 'fanout')
      await this.#queue(parked, this.#storage())
      await this.#bindQueue(parked, parked, '')
      await this.#exchange(dead, 'direct')
      await this.#bindQueue(unroutable, unroutable, '')
      await this.#exchange(deliver, 'direct', { 'alternate-exchange': unroutable })
    })
  }

  /** The ladder's exchanges, without its rungs. */
  ladder(): Promise<void> {
    return this.#once('ladder', async () => {
      await this.base()
      const chain = UNITS.map((unit) => this.names.next(unit)).concat(this.names.deliver)
      for (const [i, unit] of UNITS.entries()) {
        // No alternate exchange here: a publish for which a rung is missing must come back.
        await this.#exchange(this.names.entry(unit), 'direct')
        if (i === 0) continue
        await this.#exchange(this.names.next(unit), 'direct', { 'alternate-exchange': this.names.unroutable })
      }
      for (const [i, unit] of UNITS.entries()) {
        if (i > 0) await this.#bindExchange(chain[i + 1]!, this.names.next(unit), zeroKey(unit))
      }
    })
  }

  rung(rung: Rung, variant: RungVariant): Promise<void> {
    const key = rungKey(rung, variant)
    return this.#once(key, async () => {
      await this.ladder()
      const queue = this.names.wait(rung, variant)
      const after = UNITS[UNITS.indexOf(rung.unit) + 1]
      const next = after ? this.names.next(after) : this.names.deliver
      await this.#make(key, queue, this.#waiting(variant.type, rung.ttlMs, next))
      await this.#bindQueue(queue, this.names.entry(rung.unit), key)
      if (rung.unit !== UNITS[0]) await this.#bindQueue(queue, this.names.next(rung.unit), key)
    })
  }

  /**
   * Binds an existing destination, a queue directly and an exchange by an outlet in front of it.
   *
   * @param declare whether a missing work queue is declared
   * @throws DuequeError `DESTINATION_MISSING`, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`
   */
  async destination(destination: Destination, declare: boolean): Promise<void> {
    try {
      await this.#destination(destination, declare)
    } catch (error) {
      // Somebody else may have asked first, without `declare`.
      if (!declare || !isDuequeError(error, 'DESTINATION_MISSING')) throw error
      await this.#destination(destination, declare)
    }
  }

  #destination(destination: Destination, declare: boolean): Promise<void> {
    const key = destinationKey(destination)
    return this.#once(key, async () => {
      await this.base()
      if (destination.queue === undefined) return this.#outlet(destination.exchange, key)
      if (!(await this.#queueExists(destination.queue))) {
        if (!declare) throw missing(destination, 'declare it, consume it once, or schedule with { declare: true }')
        await this.#workQueue(destination.queue)
      }
      await this.#bindQueue(destination.queue, this.names.deliver, key)
    })
  }

  /** The queue for what a consumer of `queue` gives up on. */
  dead(queue: string): Promise<void> {
    const dead = deadQueue(queue)
    const key = destinationKey({ queue: dead })
    return this.#once(key, async () => {
      await this.base()
      await this.#make(key, dead, this.#storage())
      // By way of `deliver` come the broker's own dead letters.
      await this.#bindQueue(dead, this.names.dead, key)
      await this.#bindQueue(dead, this.names.deliver, key)
    })
  }

  async #workQueue(queue: string): Promise<void> {
    checkBytes(deadQueue(queue), this.#maxNameBytes)
    await this.dead(queue)
    const deadLetters = {
      'x-dead-letter-exchange': this.names.deliver,
      'x-dead-letter-routing-key': destinationKey({ queue: deadQueue(queue) }),
    }
    await this.#make(
      destinationKey({ queue }),
      queue,
      this.queueType === 'classic'
        ? { 'x-queue-type': 'classic', ...deadLetters }
        : {
            'x-queue-type': 'quorum',
            'x-delivery-limit': DELIVERY_LIMIT,
            'x-dead-letter-strategy': 'at-least-once',
            'x-overflow': 'reject-publish',
            'x-queue-leader-locator': 'balanced',
            ...deadLetters,
          },
    )
  }

  /**
   * At-least-once dead-lettering waits for ever for an exchange that routes nowhere. Its own queue in front of it
   * keeps that from every other destination: see docs/decisions/001-path-in-bcc.md.
   */
  async #outlet(exchange: string, key: string): Promise<void> {
    if (!(await this.#exchangeExists(exchange))) throw missing({ exchange }, 'declare it first')
    const outlet = this.names.outlet(exchange)
    checkBytes(outlet, this.#maxNameBytes)
    await this.#make(key, outlet, this.#waiting(this.queueType, 0, exchange))
    await this.#bindQueue(outlet, this.names.deliver, key)
  }

  #waiting(type: QueueType, ttlMs: number, deadLetterExchange: string): Arguments {
    const common = { 'x-queue-type': type, 'x-message-ttl': ttlMs, 'x-dead-letter-exchange': deadLetterExchange }
    if (type === 'classic') return common
    return {
      ...common,
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
      'x-queue-leader-locator': 'balanced',
    }
  }

  #storage(): Arguments {
    if (this.queueType === 'classic') return { 'x-queue-type': 'classic' }
    return { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_DELIVERY_LIMIT, 'x-queue-leader-locator': 'balanced' }
  }

  #once(key: string, work: () => Promise<void>): Promise<void> {
    const known = this.#done.get(key)
    if (known !== undefined) return known === true ? Promise.resolve() : known
    const running: Promise<void> = this.#twice(work).then(
      () => this.#settle(key, running, true),
      (error: unknown) => {
        this.#settle(key, running, undefined)
        throw error
      },
    )
    this.#done.set(key, running)
    return running
  }

  /** If a part that was there is found to be gone, everything is looked at again, once. */
  async #twice(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isVanished(error)) throw error
      this.forget()
      await work()
    }
  }

  /** Unless the connection was lost meanwhile, and with it what is known. */
  #settle(key: string, running: Promise<void>, result: true | undefined): void {
    if (this.#done.get(key) !== running) return
    if (result) this.#done.set(key, result)
    else this.#done.delete(key)
  }

  /** Declares a queue, and remembers if it was not there before. */
  async #make(key: string, name: string, args: Arguments): Promise<void> {
    const isNew = !(await this.#queueExists(name))
    await this.#queue(name, args)
    if (!isNew) return
    this.#made.set(key, Date.now())
    setTimeout(() => this.#made.delete(key), SAFE_AFTER_MS + 1000).unref()
  }

  #queue(name: string, args: Arguments): Promise<void> {
    return this.#run(`queue ${name}`, 'configure', (channel) =>
      channel.assertQueue(name, { durable: true, arguments: args }),
    )
  }

  #exchange(name: string, type: string, args: Arguments = {}): Promise<void> {
    return this.#run(`exchange ${name}`, 'configure', (channel) =>
      channel.assertExchange(name, type, { durable: true, arguments: args }),
    )
  }

  #bindQueue(queue: string, exchange: string, key: string): Promise<void> {
    const what = `binding of queue ${queue} to exchange ${exchange}`
    return this.#run(what, 'write', (channel) => channel.bindQueue(queue, exchange, key))
  }

  #bindExchange(to: string, from: string, key: string): Promise<void> {
    const what = `binding of exchange ${to} to exchange ${from}`
    return this.#run(what, 'write', (channel) => channel.bindExchange(to, from, key))
  }

  #queueExists(name: string): Promise<boolean> {
    return this.#exists(`queue ${name}`, (channel) => channel.checkQueue(name))
  }

  #exchangeExists(name: string): Promise<boolean> {
    return this.#exists(`exchange ${name}`, (channel) => channel.checkExchange(name))
  }

  async #exists(what: string, check: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    try {
      await this.#run(what, 'configure', check)
      return true
    } catch (error) {
      if (error instanceof DuequeError && error.code === 'DESTINATION_MISSING') return false
      throw error
    }
  }

  /** One operation at a time, because an error closes the channel under all others. Again, if the connection is lost. */
  #run(what: string, asked: Permission, operation: (channel: Channel) => Promise<unknown>): Promise<void> {
    const turn = this.#turn.then(async () => {
      for (let attempt = 0; ; attempt++) {
        const model = await this.#connection.ready()
        try {
          this.#channel ??= await this.#open(model)
          await operation(this.#channel)
          return
        } catch (error) {
          if (this.#connection.closed) throw new DuequeError('CLOSED', 'dueque is closed', {}, { cause: error })
          if (replyCode(error) === undefined) this.#drop()
          if (isLoss(error)) this.#connection.suspect(model)
          if (!isLoss(error)) throw operationFailure(error, what, asked)
          await pause(backoff(attempt))
        }
      }
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** amqplib's channels wait for ever for the answer to a call that threw before it was sent. */
  #drop(): void {
    void goodbye(this.#channel?.close())
    this.#channel = undefined
  }

  async #open(model: Awaited<ReturnType<AmqpConnection['ready']>>): Promise<Channel> {
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

function missing(destination: Destination, mend: string): DuequeError<'DESTINATION_MISSING'> {
  const text = destinationText(destination)
  return new DuequeError('DESTINATION_MISSING', `${text} does not exist: ${mend}`, { destination: text })
}

/** The broker's own NOT_FOUND, which has a cause, in contrast to {@link missing}. */
function isVanished(error: unknown): boolean {
  return error instanceof DuequeError && error.code === 'DESTINATION_MISSING' && error.cause !== undefined
}
