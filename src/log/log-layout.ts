import type { Names } from '../amqp/topology/names.js'
import { exchange, queue, queueBinding, type Part, type QueuePart } from '../amqp/topology/part.js'
import { HORIZONS, type Horizon } from './horizons.js'

/** Small, since a stream drops whole segments alone. */
const SEGMENT_BYTES = 4_000_000

/** The purpose of a log: every consumer reads `cancellations`, and programs that look at waiting messages read the `journal` too. */
export type LogKind = 'cancellations' | 'journal'

/** The exchange and the streams of one log in one namespace: docs/wire-format.md. */
export class LogLayout {
  readonly kind: LogKind
  /** Records are published to it: the default exchange would need a right to write to every queue. */
  readonly exchange: string

  constructor({ prefix }: Pick<Names, 'prefix'>, kind: LogKind) {
    this.kind = kind
    this.exchange = `${prefix}.${kind}`
  }

  stream({ name }: Horizon): string {
    return `${this.exchange}.${name}`
  }

  /** An exclusive queue: the connection that has it may delete the stream. */
  lock(horizon: Horizon): string {
    return `${this.stream(horizon)}.lock`
  }

  /** In the order in which they can be declared. */
  parts(): Part[] {
    return [this.exchangePart(), ...HORIZONS.flatMap((horizon) => this.streamParts(horizon))]
  }

  exchangePart(): Part {
    return exchange(this.exchange, 'direct')
  }

  /** A stream and its binding. */
  streamParts(horizon: Horizon): Part[] {
    const name = this.stream(horizon)
    return [queue(name, streamArguments(horizon)), queueBinding(name, this.exchange, horizon.name)]
  }

  streams(): QueuePart[] {
    return this.parts().filter((part) => part.kind === 'queue')
  }
}

export function cancellationLayout(names: Pick<Names, 'prefix'>): LogLayout {
  return new LogLayout(names, 'cancellations')
}

export function journalLayout(names: Pick<Names, 'prefix'>): LogLayout {
  return new LogLayout(names, 'journal')
}

/** Exactly these: RabbitMQ compares them with those of a stream that is there. */
function streamArguments({ maxAge }: Horizon) {
  return {
    'x-queue-type': 'stream',
    'x-max-age': maxAge,
    'x-stream-max-segment-size-bytes': SEGMENT_BYTES,
    'x-queue-leader-locator': 'balanced',
  }
}
