import type { Names } from '../amqp/topology/names.js'
import { exchange, queue, queueBinding, type Part, type QueuePart } from '../amqp/topology/part.js'
import { DEFINITIONS, HORIZONS, horizonFor, type Horizon } from './horizons.js'

/** Small, since a stream drops whole segments alone. */
const SEGMENT_BYTES = 4_000_000

/** The logs with a record for each message or cancellation. Programs that look at waiting messages read both. */
export type MessageLogKind = 'cancellations' | 'journal'

/** The purpose of a log: every consumer reads `cancellations`; a process with recurring messages reads `recurring`. */
export type LogKind = MessageLogKind | 'recurring'

/** The exchange and the streams of one log in one namespace: docs/wire-format.md. */
export class LogLayout<K extends LogKind = LogKind> {
  readonly kind: K
  /** Records are published to it: the default exchange would need a right to write to every queue. */
  readonly exchange: string
  /** Each has a stream. */
  readonly horizons: readonly Horizon[]

  constructor({ prefix }: Pick<Names, 'prefix'>, kind: K, horizons = HORIZONS) {
    this.kind = kind
    this.exchange = `${prefix}.${kind}`
    this.horizons = horizons
  }

  /** The only stream of a log has the name of the exchange. */
  stream({ name }: Horizon): string {
    return name === '' ? this.exchange : `${this.exchange}.${name}`
  }

  /** That of a record which is needed until `due`, in milliseconds since the epoch. */
  horizonFor(due: number | undefined, now: number): Horizon {
    return this.horizons === HORIZONS ? horizonFor(due, now) : this.horizons[0]!
  }

  /** An exclusive queue: the connection that has it may delete the stream. */
  lock(horizon: Horizon): string {
    return `${this.stream(horizon)}.lock`
  }

  /** In the order in which they can be declared. */
  parts(): Part[] {
    return [this.exchangePart(), ...this.horizons.flatMap((horizon) => this.streamParts(horizon))]
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

export function cancellationLayout(names: Pick<Names, 'prefix'>): LogLayout<'cancellations'> {
  return new LogLayout(names, 'cancellations')
}

export function journalLayout(names: Pick<Names, 'prefix'>): LogLayout<'journal'> {
  return new LogLayout(names, 'journal')
}

/** The definitions of recurring messages. */
export function recurringLayout(names: Pick<Names, 'prefix'>): LogLayout<'recurring'> {
  return new LogLayout(names, 'recurring', [DEFINITIONS])
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
