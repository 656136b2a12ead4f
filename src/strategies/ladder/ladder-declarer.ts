import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { Part } from '../../amqp/topology/part.js'
import type { Topology } from '../../amqp/topology/topology.js'
import type { Logger } from '../../base/logger.js'
import { LadderLayout } from './ladder-layout.js'
import { rungKey } from './path-keys.js'
import { isMarked, RungMarks } from './rung-marks.js'
import type { Rung, RungVariant } from './rungs.js'

/** Channels on which rungs are declared ahead. On 2 busy cores 240 took 3.2 s on 4 channels, 2.4 s on 8, as on 16. */
const CHANNELS_AHEAD = 8

/** Declares the ladder's exchanges and rungs, each once. In the mode `trust` everything is taken to be there. */
export class LadderDeclarer {
  readonly #broker: Pick<AmqpBroker, 'names' | 'newTopology'>
  readonly #topology: Topology
  readonly #layout: LadderLayout
  readonly #exchanges: readonly Part[]
  readonly #marks: RungMarks
  readonly #logger: Logger
  /** The rungs that were declared, by key. */
  readonly #rungs = new Map<string, readonly [Rung, RungVariant]>()
  #repairs: LadderDeclarer | undefined

  constructor(broker: Pick<AmqpBroker, 'names' | 'newTopology'>, topology: Topology, logger: Logger) {
    this.#broker = broker
    this.#topology = topology
    this.#layout = new LadderLayout(broker.names)
    this.#exchanges = this.#layout.exchanges()
    this.#logger = logger
    this.#marks = new RungMarks(this.#layout, topology.newDeclarer(), topology.young, logger)
    topology.whenUp(() => this.#marks.reconnected())
    // Other processes need what was learnt about rungs.
    topology.beforeClose(() => this.#marks.flush())
  }

  /** The entry and next exchanges, without the rungs. */
  exchanges(): Promise<void> {
    return this.#topology.ensure('ladder', this.#exchanges, { again: true })
  }

  rung(rung: Rung, variant: RungVariant, declarer = this.#topology.declarer): Promise<void> {
    const key = rungKey(rung, variant)
    return this.#topology.ensure(key, async () => {
      await this.exchanges()
      const isOld = await isMarked(declarer, this.#layout, rung, variant)
      for (const part of this.#layout.rung(rung, variant)) await declarer.declare(part)
      if (!isOld) this.#marks.add(rung, variant)
      this.#rungs.set(key, [rung, variant])
    })
  }

  /** Whether a rung was missing when it was declared, or may have been, and has not been marked yet. */
  isYoung(rungKey: string): boolean {
    return this.#marks.isYoung(rungKey)
  }

  /** Declares rungs that may be needed, several at a time, beside those that a message waits for. Ends with the first failure. */
  async ahead(left: Generator<Rung>, variant: RungVariant): Promise<void> {
    const declare = async () => {
      const declarer = this.#topology.newDeclarer()
      try {
        for (const rung of left) await this.rung(rung, variant, declarer)
      } finally {
        declarer.close()
      }
    }
    await Promise.all(Array.from({ length: CHANNELS_AHEAD }, declare))
  }

  /**
   * Looks at the exchanges and at every rung that was declared, and declares the missing ones. What is remembered about
   * destinations and rungs stays, and no schedule waits for it.
   */
  async repair(): Promise<void> {
    this.#repairs ??= new LadderDeclarer(this.#broker, this.#broker.newTopology(), this.#logger)
    await this.#repairs.#declareAnew([...this.#rungs.values()])
  }

  async #declareAnew(rungs: readonly (readonly [Rung, RungVariant])[]): Promise<void> {
    this.#topology.forget()
    if (rungs.length === 0) return
    await this.exchanges()
    for (const [rung, variant] of rungs) await this.rung(rung, variant)
  }
}
