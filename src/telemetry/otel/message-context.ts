import {
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  trace,
  type Context,
  type SpanContext,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api'
import type { Headers, HeaderValue } from '../../message/headers.js'

type OwnHeaders = Record<string, HeaderValue>

/** Headers may be of any client, and their values of any type. */
const GETTER: TextMapGetter<Headers> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, key) => {
    const value = headers[key]
    return typeof value === 'string' ? value : undefined
  },
}

/** What the producer has set stays. */
const SETTER: TextMapSetter<OwnHeaders> = {
  set: (headers, key, value) => {
    if (!Object.hasOwn(headers, key)) headers[key] = value
  },
}

/** Lets a context travel with a message, by the global propagator. */
export function inject(context: Context, headers: OwnHeaders): void {
  propagation.inject(context, headers, SETTER)
}

/** The context that came with a message, and the span in it that the message was made in. */
export function extract(headers: Headers): { context: Context; origin: SpanContext | undefined } {
  const context = propagation.extract(ROOT_CONTEXT, headers, GETTER)
  const origin = trace.getSpanContext(context)
  return { context, origin: origin && isSpanContextValid(origin) ? origin : undefined }
}

/** Whether the producer has set a trace context of its own, such as `traceparent`. Baggage alone is none. */
export function hasOwnContext(headers: Headers): boolean {
  // Most messages have no headers at all.
  for (const _ in headers)
    return propagation.fields().some((name) => name !== 'baggage' && Object.hasOwn(headers, name))
  return false
}
