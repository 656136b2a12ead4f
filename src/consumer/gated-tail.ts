import type { CancellationTail, TailState } from '../cancellation/tail.js'
import type { Envelope } from '../message/envelope.js'
import type { ConsumerEnvironment } from './environment.js'
import { Gate } from './gate.js'

/** The tail of a connection with a gate for each answer to a tail that is down. */
export class GatedTail {
  readonly tail: CancellationTail
  readonly #gates: Record<'handle' | 'wait', Gate>

  /** @param open makes the tail, which tells its state */
  constructor(open: (onState: (state: TailState) => void) => CancellationTail) {
    const tail = open((state) => this.#follow(state))
    this.tail = tail
    this.#gates = {
      handle: new Gate(() => tail.isCurrent() || tail.state === 'down'),
      wait: new Gate(() => tail.isCurrent()),
    }
    this.#follow(tail.state)
  }

  forConsumer(onTailDown: 'handle' | 'wait'): Pick<ConsumerEnvironment, 'gate' | 'isCancelled' | 'ready'> {
    const { tail } = this
    return {
      gate: this.#gates[onTailDown],
      isCancelled: (envelope: Envelope) => tail.isCancelled(envelope),
      ready: async () => {
        await tail.start()
        await tail.proved()
      },
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
