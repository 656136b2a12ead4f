import { Layout } from '../../src/amqp/topology/layout.js'
import type { Part } from '../../src/amqp/topology/part.js'
import type { Declarer } from '../../src/amqp/topology/declarer.js'
import type { AmqpConnection } from '../../src/amqp/connection/connection.js'
import { Names } from '../../src/amqp/topology/names.js'
import { cancellationLayout, recurringLayout, type LogLayout } from '../../src/log/log-layout.js'
import { writeFirstRecords } from '../../src/log/first-records.js'
import { applyParts, destinationParts, withDeclarer } from '../../src/operate/topology/parts.js'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { connect, ladder, type ConnectOptions, type Dueque } from '../../src/index.js'
import { resolveOptions } from '../../src/options.js'
import { tickParts } from '../../src/recurring/recurring-layout.js'
import { LadderLayout } from '../../src/strategies/ladder/ladder-layout.js'
import type { ExchangeType } from '../../src/strategies/memory/exchange.js'
import { AmqpWorld } from './amqp-world.js'

/** The URLs of three users: one declares, one only schedules, one only consumes. */
export interface Users {
  operator: string
  producer: string
  consumer: string
}

/**
 * A world of users with least privilege: an operator applies the topology and every destination beforehand, and what is
 * scheduled and consumed goes by users who may declare nothing.
 */
export class TrustWorld extends AmqpWorld {
  readonly #users: Users
  readonly #layout = new Layout(new Names('dueque'), 'quorum')
  readonly #trusting: Dueque[] = []

  constructor(url: string, users: Users) {
    super(url, ladder)
    this.#users = users
  }

  async applyEverything(): Promise<void> {
    const ladder = new LadderLayout(this.#layout.names)
    await this.#apply([...this.#layout.base(), ...ladder.everything('quorum', 1), ...tickParts(this.#layout)])
    await applyCancellations(this.#users.operator)
    await applyLog(this.#users.operator, recurringLayout(this.#layout.names))
  }

  override async connect(options: ConnectOptions = {}): Promise<Dueque> {
    const as = (url: string) => connect({ strategy: ladder(), ...options, url, topology: 'trust' })
    const [producer, consumer] = await Promise.all([as(this.#users.producer), as(this.#users.consumer)])
    this.#trusting.push(producer, consumer)
    const schedule = async (...[message, payload, { declare, ...rest }]: Parameters<Dueque['schedule']>) => {
      if (declare && rest.to.queue !== undefined) await this.#applyQueue(rest.to.queue)
      return producer.schedule(message, payload, rest)
    }
    const own: Partial<Dueque> = {
      schedule,
      consume: async (queue, ...rest) => {
        await this.#applyQueue(queue)
        return consumer.consume(queue, ...rest)
      },
      close: async (...args) => {
        await Promise.all([producer.close(...args), consumer.close(...args)])
      },
    }
    return new Proxy(producer, {
      get: (target, name) => {
        const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  override async declareQueue(name: string): Promise<void> {
    await super.declareQueue(name)
    await this.#applyQueue(name)
  }

  override async declareExchange(name: string, type: ExchangeType): Promise<void> {
    await super.declareExchange(name, type)
    await this.#apply(destinationParts(this.#layout, { queues: [], exchanges: [name] }))
  }

  override async close(): Promise<void> {
    await Promise.all(this.#trusting.map((mq) => mq.close()))
    await super.close()
  }

  #applyQueue(queue: string): Promise<void> {
    return this.#apply(destinationParts(this.#layout, { queues: [queue], exchanges: [] }), [queue])
  }

  #apply(parts: readonly Part[], workQueues: readonly string[] = []): Promise<void> {
    return applyAs(this.#users.operator, parts, workQueues)
  }
}

/** Declares parts of the topology as the user of a URL. */
export function applyAs(url: string, parts: readonly Part[], workQueues: readonly string[] = []): Promise<void> {
  return declaring(url, async (declarer) => {
    await applyParts(declarer, parts, { workQueues })
  })
}

/** Declares the streams of cancellations, with their first records, as the user of a URL. */
export function applyCancellations(url: string, namespace = 'dueque'): Promise<void> {
  return applyLog(url, cancellationLayout(new Names(namespace)))
}

/** Declares the streams of a log, with their first records, as the user of a URL. */
export function applyLog(url: string, layout: LogLayout): Promise<void> {
  return declaring(url, async (declarer, connection) => {
    await applyParts(declarer, layout.parts(), { workQueues: [] })
    await writeFirstRecords({ connection, declarer, layout, timeoutMs: 30_000 })
  })
}

function declaring(
  url: string,
  work: (declarer: Declarer, connection: AmqpConnection) => Promise<void>,
): Promise<void> {
  return withDeclarer({ ...resolveOptions({ url }), endpoints: parseEndpoints(url) }, work)
}
