import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { Envelope } from '../message/envelope.js'
import { Gate } from './gate.js'
import { cancellationLog } from './log.js'
import type { OnTailDown } from './on-tail-down.js'
import { CancellationTail, type TailSettings } from './tail.js'
import type { TailState } from './tail-proof.js'

/** The part of a tail that is for a program that takes messages. */
export interface TailGate {
  /** Closed while cancellations may be unread. */
  readonly gate: Gate
  readonly isCancelled: (envelope: Pick<Envelope, 'id' | 'revision'>) => boolean
  /** Starts the tail. Resolves when every cancellation is read, or could not be for 30 s. */
  readonly ready: () => Promise<void>
}

/** The tail of a connection with a gate for each answer to a tail that is down. */
export class GatedTail {
  readonly tail: CancellationTail
  readonly #gates: Record<OnTailDown, Gate>

  /** @param open makes the tail, which tells its state */
  constructor(open: (told: Pick<TailSettings, 'onState' | 'onAnswer'>) => CancellationTail) {
    const onAnswer = () => {
      for (const gate of Object.values(this.#gates)) gate.recheck()
    }
    const tail = open({ onState: (state) => this.#follow(state), onAnswer })
    this.tail = tail
    this.#gates = {
      handle: new Gate((readyAt) => tail.isCurrent(readyAt) || tail.state === 'down'),
      wait: new Gate((readyAt) => tail.isCurrent(readyAt)),
    }
    this.#follow(tail.state)
  }

  forConsumer(onTailDown: OnTailDown): TailGate {
    const { tail } = this
    return {
      gate: this.#gates[onTailDown],
      isCancelled: (envelope) => tail.isCancelled(envelope),
      ready: () => tail.start(),
    }
  }

  #follow(state: TailState): void {
    const { handle, wait } = this.#gates
    if (state === 'reading') handle.close()
    else handle.open()
    if (state === 'live') wait.open()
    else wait.close()
  }
}

/** The options of a connection that its tail needs. */
export type TailOptions = Pick<TailSettings, 'clock' | 'logger'> & {
  readonly cancellations: Pick<TailSettings, 'marginMs' | 'graceMs'>
}

/** Reads the cancellations of a namespace once a program needs them. */
export function newTail(
  broker: AmqpBroker,
  { clock, logger, cancellations: { marginMs, graceMs } }: TailOptions,
  { onError, otherwise }: Pick<TailSettings, 'onError' | 'otherwise'>,
): GatedTail {
  const log = cancellationLog(broker, clock, logger)
  return new GatedTail(
    (told) => new CancellationTail({ broker, log, clock, logger, marginMs, graceMs, otherwise, onError, ...told }),
  )
}
