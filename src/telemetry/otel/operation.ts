import { SpanKind, type Attributes } from '@opentelemetry/api'
import { ATTRIBUTE } from './names.js'

/** An operation on one destination, or on none that is known. */
export interface Target {
  readonly spanName: string
  /** Of spans and of metrics: no ids in it. */
  readonly attributes: Attributes
}

/** Further destinations are put together each time: their names may come from data. */
const MOST_KEPT = 1000

/** What the spans and metrics of one operation have in common. */
export class Operation {
  readonly name: string
  readonly kind: SpanKind
  readonly #common: Attributes
  readonly #withoutDestination: Target
  readonly #targets = new Map<string, Target>()

  /** @param type of the semantic conventions, if one of them fits */
  constructor(name: string, kind: SpanKind, type?: 'send' | 'process') {
    this.name = name
    this.kind = kind
    this.#common = {
      [ATTRIBUTE.system]: 'rabbitmq',
      [ATTRIBUTE.operation]: name,
      ...(type && { [ATTRIBUTE.operationType]: type }),
    }
    this.#withoutDestination = { spanName: name, attributes: this.#common }
  }

  /** @param destination a queue or an exchange, without a routing key: those may be many */
  on(destination: string | undefined): Target {
    if (destination === undefined) return this.#withoutDestination
    const kept = this.#targets.get(destination)
    if (kept) return kept
    const target = {
      spanName: `${this.name} ${destination}`,
      attributes: { ...this.#common, [ATTRIBUTE.destination]: destination },
    }
    if (this.#targets.size < MOST_KEPT) this.#targets.set(destination, target)
    return target
  }
}

export const SCHEDULE = new Operation('schedule', SpanKind.PRODUCER, 'send')
export const PROCESS = new Operation('process', SpanKind.CONSUMER, 'process')
/** A call to the broker or the store that makes no message. */
export const CANCEL = new Operation('cancel', SpanKind.CLIENT)
/** Likewise. If it makes a new message, that one has a span of its own: {@link SCHEDULE}. */
export const RESCHEDULE = new Operation('reschedule', SpanKind.CLIENT)
