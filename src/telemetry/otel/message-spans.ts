import {
  context,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { errorText, isDuequeError, isError } from '../../base/errors.js'
import type { Destination } from '../../message/destination.js'
import type { HeaderValue } from '../../message/headers.js'
import { isoTime } from '../../message/iso-time.js'
import type { BulkInfo, BulkOutcome, CancelInfo, ProcessInfo, ScheduleInfo } from '../../telemetry.js'
import type { Failure } from './failure.js'
import { extract, hasOwnContext, inject } from './message-context.js'
import { ATTRIBUTE } from './names.js'
import { PROCESS, SCHEDULE, type Operation, type Target } from './operation.js'

/** A span that has started, with the context of what belongs to it. */
export interface Started {
  readonly span: Span
  readonly context: Context
}

/** A run of many. */
interface Bulk {
  /** Let the context of its span travel. */
  readonly headers: Readonly<Record<string, HeaderValue>>
  /** Of the first item that failed. */
  errorType?: string
}

/** Starts the spans of messages, and lets their contexts travel. */
export class MessageSpans {
  readonly #tracer: Tracer
  readonly #isParent: boolean
  readonly #bulks = new WeakMap<BulkInfo, Bulk>()

  /** @param isParent whether the span of a schedule is the parent of those of the handler, and not only linked */
  constructor(tracer: Tracer, isParent: boolean) {
    this.#tracer = tracer
    this.#isParent = isParent
  }

  /** Of one message, not of a run of many. */
  schedule(target: Target, info: ScheduleInfo, headers: Record<string, HeaderValue>): Started {
    const isOwn = hasOwnContext(headers)
    const started = this.#start(SCHEDULE, target, info.to, isOwn ? linkTo(extract(headers).origin) : undefined)
    if (!isOwn) inject(started.context, headers)
    const { span } = started
    if (span.isRecording()) {
      span.setAttribute(ATTRIBUTE.messageId, info.id)
      span.setAttribute(ATTRIBUTE.messageName, info.name)
      span.setAttribute(ATTRIBUTE.dueAt, isoTime(info.dueAt.getTime()))
      markOccurrence(span, info)
    }
    return started
  }

  /** Of a cancellation or a reschedule. */
  change(operation: Operation, target: Target, { id, to }: CancelInfo): Started {
    const started = this.#start(operation, target, to)
    started.span.setAttribute(ATTRIBUTE.messageId, id)
    return started
  }

  /** Of a run of many. Its items have no spans: {@link join}. */
  bulk(operation: Operation, target: Target, info: BulkInfo): Started {
    const started = this.#start(operation, target)
    const headers: Record<string, HeaderValue> = {}
    inject(started.context, headers)
    this.#bulks.set(info, { headers })
    return started
  }

  /** Lets the context of the run travel with one of its messages. */
  join(info: BulkInfo, headers: Record<string, HeaderValue>): void {
    const shared = this.#bulks.get(info)?.headers
    if (!shared || hasOwnContext(headers)) return
    for (const name in shared) if (!Object.hasOwn(headers, name)) headers[name] = shared[name]!
  }

  /** An item of a run has failed. */
  itemFailed(info: BulkInfo, { type }: Failure): void {
    const bulk = this.#bulks.get(info)
    if (bulk) bulk.errorType ??= type
  }

  process(target: Target, { delivery }: ProcessInfo): Started {
    const { context: arrived, origin } = extract(delivery.headers)
    const { routingKey, id, name, attempt, dueAt, latenessMs } = delivery
    const attributes =
      routingKey === '' ? target.attributes : { ...target.attributes, [ATTRIBUTE.routingKey]: routingKey }
    const options = { kind: PROCESS.kind, attributes, links: linkTo(origin), root: !this.#isParent }
    const span = this.#tracer.startSpan(target.spanName, options, arrived)
    if (span.isRecording()) {
      span.setAttribute(ATTRIBUTE.messageId, id)
      span.setAttribute(ATTRIBUTE.messageName, name)
      span.setAttribute(ATTRIBUTE.attempt, attempt)
      span.setAttribute(ATTRIBUTE.dueAt, isoTime(dueAt.getTime()))
      span.setAttribute(ATTRIBUTE.latenessMs, latenessMs)
      markOccurrence(span, delivery)
    }
    return { span, context: trace.setSpan(arrived, span) }
  }

  /** The run of many is over. */
  endBulk(span: Span, info: BulkInfo, { succeeded, failed }: BulkOutcome): void {
    const count = succeeded + failed
    span.setAttribute(ATTRIBUTE.batchCount, count)
    if (failed === 0) return
    span.setAttribute(ATTRIBUTE.failedCount, failed)
    span.setAttribute(ATTRIBUTE.errorType, this.#bulks.get(info)?.errorType ?? '_OTHER')
    span.setStatus({ code: SpanStatusCode.ERROR, message: `${failed} of ${count} failed` })
  }

  #start({ kind }: Operation, target: Target, to?: Destination, links: Link[] = []): Started {
    const parent = context.active()
    const span = this.#tracer.startSpan(target.spanName, { kind, attributes: attributesOf(target, to), links }, parent)
    return { span, context: trace.setSpan(parent, span) }
  }
}

/** Those of the target, with the routing key where there is one. */
function attributesOf({ attributes }: Target, to: Destination | undefined): Attributes {
  const { exchange, routingKey = '' } = to ?? {}
  if (exchange === undefined || routingKey === '') return attributes
  return { ...attributes, [ATTRIBUTE.destination]: `${exchange}:${routingKey}`, [ATTRIBUTE.routingKey]: routingKey }
}

function linkTo(origin: Link['context'] | undefined): Link[] {
  return origin ? [{ context: origin }] : []
}

/** Names the recurring message that an occurrence belongs to, and the time. */
function markOccurrence(span: Span, { id, scheduledFor }: { id: string; scheduledFor?: Date | undefined }): void {
  if (!scheduledFor) return
  const time = isoTime(scheduledFor.getTime())
  span.setAttribute(ATTRIBUTE.scheduledFor, time)
  if (id.endsWith(`@${time}`)) span.setAttribute(ATTRIBUTE.recurringId, id.slice(0, -time.length - 1))
}

/** Runs something in the context of a span. */
export function within<T>(started: Started | undefined, run: () => T): T {
  return started ? context.with(started.context, run) : run()
}

/** Ends a span. */
export function end(span: Span, failure: Failure | undefined): void {
  try {
    if (failure && span.isRecording()) fail(span, failure)
  } finally {
    span.end()
  }
}

function fail(span: Span, { error, type }: Failure): void {
  span.setAttribute(ATTRIBUTE.errorType, type)
  span.setStatus({ code: SpanStatusCode.ERROR, message: errorText(error) })
  if (isDuequeError(error)) span.setAttribute(ATTRIBUTE.outcome, error.outcome)
  else if (isError(error)) span.recordException(error)
}
