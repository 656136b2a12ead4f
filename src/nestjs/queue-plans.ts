import { isDeepStrictEqual } from 'node:util'
import { DuequeError } from '../base/errors.js'
import type { ConsumeOptions } from '../consumer/options.js'
import { DEFAULT_CONNECTION } from './inject-dueque.js'
import type { MessageSubscription } from './on-message.js'

/** What of a method a plan is made of. */
export interface PlannedMethod {
  readonly label: string
  readonly subscription: MessageSubscription
}

/** One consumer. */
export interface QueuePlan<Method extends PlannedMethod = PlannedMethod> {
  readonly queue: string
  readonly methods: readonly Method[]
  readonly options: ConsumeOptions
}

/**
 * The consumers of a connection: one for each queue.
 *
 * @throws DuequeError `INVALID_OPTION` if methods for one queue contradict each other
 */
export function queuePlans<Method extends PlannedMethod>(
  methods: readonly Method[],
  connection: string,
): QueuePlan<Method>[] {
  const own = methods.filter((method) => connectionOf(method) === connection)
  const queues = new Set(own.map(({ subscription }) => subscription.queue))
  return Array.from(queues, (queue) => {
    const ofQueue = own.filter(({ subscription }) => subscription.queue === queue)
    assertOneForEach(queue, ofQueue)
    return { queue, methods: ofQueue, options: commonOptions(queue, ofQueue) }
  })
}

/**
 * Each connection has a name of its own, and each method one that there is.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function checkConnections(methods: readonly PlannedMethod[], names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw invalid('name', `expected a name of its own for each connection of DuequeModule, got ${quoted(twice)} twice`)
  const lost = methods.find((method) => !names.includes(connectionOf(method)))
  if (lost) {
    const known = names.map(quoted).join(', ')
    throw invalid('connection', `expected one of ${known} at ${lost.label}, got ${quoted(connectionOf(lost))}`)
  }
}

function connectionOf({ subscription }: PlannedMethod): string {
  return subscription.connection ?? DEFAULT_CONNECTION
}

function assertOneForEach(queue: string, methods: readonly PlannedMethod[]): void {
  const byName = new Map<string | undefined, PlannedMethod>()
  for (const method of methods) {
    const name = method.subscription.definition?.name
    const other = byName.get(name)
    if (other) {
      const what = name === undefined ? 'any other message' : `the message ${quoted(name)}`
      const both = other.label === method.label ? `${method.label} twice` : `${other.label} and ${method.label}`
      throw invalid('message', `expected one method for ${what} of the queue ${quoted(queue)}, got ${both}`)
    }
    byName.set(name, method)
  }
}

/** An option that one method gives is that of all. */
function commonOptions(queue: string, methods: readonly PlannedMethod[]): ConsumeOptions {
  const given = new Map<string, { value: unknown; label: string }>()
  for (const { label, subscription } of methods) {
    for (const [option, value] of Object.entries(subscription.options)) {
      if (value === undefined) continue
      const other = given.get(option)
      if (other && !isDeepStrictEqual(other.value, value)) {
        const both = `${other.label} and ${label}`
        throw invalid(
          option,
          `expected one value for the consumer of the queue ${quoted(queue)}, got different ones at ${both}`,
        )
      }
      given.set(option, { value, label })
    }
  }
  return Object.fromEntries(Array.from(given, ([option, { value }]) => [option, value]))
}

function invalid(option: string, text: string): DuequeError<'INVALID_OPTION'> {
  return new DuequeError('INVALID_OPTION', `${option}: ${text}`, { option })
}

const quoted = (name: string) => JSON.stringify(name)
