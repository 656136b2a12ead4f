import type { DiscoveryService, MetadataScanner } from '@nestjs/core'
import { invalidOption } from '../base/errors.js'
import { assertEnhancersRun } from './assert-enhancers-run.js'
import { parametersOf } from './message-parameters.js'
import { subscriptionsOf, type MessageSubscription } from './on-message.js'

/** A provider or controller, as Nest keeps it. */
export type Wrapper = ReturnType<DiscoveryService['getProviders']>[number]

/** A method of a provider or controller, and one message that it handles. */
export interface MessageMethod {
  /** For people: `Reminders.remind`. */
  readonly label: string
  readonly wrapper: Wrapper
  readonly name: string
  readonly subscription: MessageSubscription
}

/**
 * The methods with `@OnMessage` of an application, of providers and controllers.
 *
 * @throws DuequeError `INVALID_OPTION` for a method that Nest could not call as it is meant
 */
export function messageMethods(discovery: DiscoveryService, scanner: MetadataScanner): MessageMethod[] {
  const wrappers = [...discovery.getProviders(), ...discovery.getControllers()].filter(({ isAlias }) => !isAlias)
  return wrappers.flatMap((wrapper) => {
    const prototype = prototypeOf(wrapper)
    if (prototype === undefined) return []
    return scanner.getAllMethodNames(prototype).flatMap((name) => methodsOf(wrapper, prototype, name))
  })
}

type Prototype = Record<string, unknown>

function prototypeOf({ isNotMetatype, metatype, instance }: Wrapper): Prototype | undefined {
  const prototype = (isNotMetatype ? prototypeOfValue(instance) : metatype?.prototype) as Prototype | null | undefined
  return prototype === null || prototype === Object.prototype ? undefined : prototype
}

/** Of what a factory returned, or of a given value. */
function prototypeOfValue(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
}

function methodsOf(wrapper: Wrapper, prototype: Prototype, name: string): MessageMethod[] {
  const method = prototype[name]
  const subscriptions = subscriptionsOf(method)
  if (subscriptions.length === 0) return []
  const host = prototype.constructor
  const label = `${host.name}.${name}`
  const decorated = { label, host, method: method as object, parameters: parametersOf(host, name) }
  assertCallable(wrapper, decorated)
  assertEnhancersRun(wrapper, decorated)
  return subscriptions.map((subscription) => ({ label, wrapper, name, subscription }))
}

/** Where Nest keeps the pipes of a method: its constant `PIPES_METADATA`. */
const PIPES = '__pipes__'

function assertCallable({ isTransient }: Wrapper, method: { label: string; method: object; parameters: object }): void {
  const { label, parameters } = method
  if (isTransient)
    throw invalidOption(label, 'a provider that is not transient, since nothing else injects it', 'TRANSIENT')
  if (Object.keys(parameters).length === 0 && Reflect.hasMetadata(PIPES, method.method))
    throw invalidOption(label, '@MessagePayload() at the parameter that its pipes are for', 'none')
}
