import { checkOptions, nonEmptyText, type Rules } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import type { Delivery } from '../consumer/delivery.js'
import { CONSUME_RULES, type ConsumeOptions } from '../consumer/options.js'
import { checkDefinition, type MessageDefinition } from '../message/definition.js'
import { checkQueueName } from '../message/destination.js'

/**
 * The queue, and the options of its consumer. The methods for one queue share one consumer, so an option may be given at one of
 * them, or alike at several.
 */
export interface OnMessageOptions extends ConsumeOptions {
  /** The queue to consume. It is declared, if it is missing, unless `declare` is false. */
  queue: string
  /** The name of the connection, as given to `DuequeModule.forRoot`. @default 'default' */
  connection?: string | undefined
}

/** One message that a method handles. */
export interface MessageSubscription {
  /** Undefined for all messages without a method of their own. */
  readonly definition: MessageDefinition | undefined
  readonly queue: string
  readonly connection: string | undefined
  readonly options: ConsumeOptions
}

/** For a method that takes the delivery, or whose parameters have `@MessagePayload()` and `@MessageDelivery()` in this order. */
export interface MessageMethodDecorator<Payload> {
  <Method extends (delivery: Delivery<Payload>) => unknown>(
    target: object,
    method: string,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void
  <Method extends (payload: Payload, delivery: Delivery<Payload>) => unknown>(
    target: object,
    method: string,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void
}

/**
 * The method of a provider or controller handles the messages of this definition in a queue, through Nest's pipeline: guards,
 * interceptors, pipes, exception filters. Its return acks the message; what it throws fails the attempt, and reaches the policy
 * `retry` as it is, unless an exception filter handles it.
 *
 * @throws DuequeError `INVALID_OPTION`, `RESERVED_NAME`, `NAME_TOO_LONG`, `INVALID_DUE`
 * @example
 * ```ts
 * @OnMessage(reminder, { queue: 'reminders', retry: { attempts: 5 } })
 * async remind({ payload, latenessMs }: Delivery<PayloadOf<typeof reminder>>) { … }
 * ```
 */
export function OnMessage<In, Out>(
  definition: MessageDefinition<In, Out>,
  options: OnMessageOptions,
): MessageMethodDecorator<Out> {
  checkDefinition(definition)
  return subscribe(definition as MessageDefinition, options)
}

/**
 * As {@link OnMessage}, for all messages of the queue that no other method handles. Their payload is the parsed JSON.
 *
 * @throws DuequeError `INVALID_OPTION`, `RESERVED_NAME`, `NAME_TOO_LONG`, `INVALID_DUE`
 */
export function OnAnyMessage(options: OnMessageOptions): MessageMethodDecorator<unknown> {
  return subscribe(undefined, options)
}

const ON_MESSAGE_RULES: Rules<OnMessageOptions> = {
  ...CONSUME_RULES,
  queue: (value, option) => {
    checkQueueName(option, value)
    return undefined
  },
  connection: nonEmptyText,
}

/** Where a method keeps its messages. */
const SUBSCRIPTIONS = 'dueque:subscriptions'

/**
 * Nest's constant `ENTRY_PROVIDER_WATERMARK`, as its own decorators of entry points: request-scoped guards and the like of the whole
 * application then count.
 */
const ENTRY_PROVIDER = '__entryProvider__'

function subscribe<Out>(
  definition: MessageDefinition | undefined,
  given: OnMessageOptions,
): MessageMethodDecorator<Out> {
  checkOptions(given, ON_MESSAGE_RULES)
  const { queue, connection, ...options } = given
  if (queue === undefined) throw invalidOption('queue', 'a name', queue)
  const subscription: MessageSubscription = { definition, queue, connection, options }
  return (target: object, method: unknown, descriptor: { value?: unknown }) => {
    const handler = descriptor?.value
    if (typeof handler !== 'function' || typeof method !== 'string' || typeof target === 'function')
      throw invalidOption(String(method), 'a method of instances, with a name', handler)
    Reflect.defineMetadata(SUBSCRIPTIONS, [...subscriptionsOf(handler), subscription], handler)
    Reflect.defineMetadata(ENTRY_PROVIDER, true, target.constructor)
  }
}

/** The messages that a method handles. */
export function subscriptionsOf(method: unknown): readonly MessageSubscription[] {
  if (typeof method !== 'function') return []
  return (Reflect.getOwnMetadata(SUBSCRIPTIONS, method) as readonly MessageSubscription[] | undefined) ?? []
}
