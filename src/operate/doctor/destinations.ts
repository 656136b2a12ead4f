import { counted } from '../../base/counted.js'
import { deadQueue, destinationKey } from '../../amqp/topology/names.js'
import { queueOfBatches } from '../../message/batch.js'
import { effective } from './effective-policy.js'
import { lastLook, type Facts } from './facts.js'
import type { QueueFact } from '../management/resources.js'
import { finding, type Finding } from '../../base/finding.js'
import { exactly, quoted } from './texts.js'
import { versionOf } from './product.js'
import { workQueues } from './targets.js'

/** The work queues that are bound as destinations: limits and arguments that would stop the ladder, or lose messages. */
export function checkDestinations(facts: Facts): Finding[] {
  const queues = workQueues(facts)
  const findings = queues.flatMap((queue) => checkQueue(queue, facts))
  if (findings.length > 0 || !facts.management.bindings) return findings
  return [
    finding(
      'ok',
      'destinations',
      `${counted(queues.length, 'work queue is', 'work queues are')} bound, and nothing is wrong`,
    ),
  ]
}

function checkQueue(queue: QueueFact, facts: Facts): Finding[] {
  const inForce = inForceFor(queue, facts)
  return [
    ...checkLimits(queue, inForce, facts),
    ...checkDeadLetters(queue, inForce, facts),
    ...checkBatches(queue, facts),
    ...(queue.durable
      ? []
      : [
          finding('warning', 'queue-transient', `queue ${queue.name} does not survive a restart`, 'declare it durable'),
        ]),
  ]
}

/** A queue for batches is one of its own, which a consumer without the option leaves alone. */
function checkBatches({ name, messages }: QueueFact, { management: { consumers } }: Facts): Finding[] {
  const of = queueOfBatches(name)
  if (of === undefined || messages === 0 || !consumers || consumers.some(({ queue }) => queue === name)) return []
  const what = `queue ${name} holds ${counted(messages, 'batch', 'batches')}, and nobody consumes it`
  const todo = `consume ${of} with { batches: true }, or dueque batches unpack ${of}`
  return [finding('warning', 'batches-unconsumed', what, todo)]
}

type InForce = (key: string) => unknown

function inForceFor(queue: QueueFact, { management }: Pick<Facts, 'management'>): InForce {
  const { policies = [], operatorPolicies = [] } = management
  return (key) => effective(key, { ...queue, kind: 'queue' }, policies, operatorPolicies)
}

/** The work queues with a limit of bytes. */
export function limitedByBytes(facts: Pick<Facts, 'names' | 'management'>): string[] {
  const limited = workQueues(facts).filter((queue) => typeof inForceFor(queue, facts)('max-length-bytes') === 'number')
  return limited.map(({ name }) => name)
}

function checkLimits({ name, messages, ready }: QueueFact, inForce: InForce, facts: Facts): Finding[] {
  const overflow = inForce('overflow')
  const length = inForce('max-length')
  const bytes = inForce('max-length-bytes')
  if (typeof length !== 'number' && typeof bytes !== 'number') return []
  const limit = [
    typeof length === 'number' ? `max-length ${length}` : [],
    typeof bytes === 'number' ? `max-length-bytes ${bytes}` : [],
  ].flat()
  const limits = limit.join(' and ')
  if (!String(overflow).startsWith('reject-publish')) {
    const what = `queue ${name} drops its oldest messages at ${limits}`
    return [finding('warning', 'queue-drops', what, 'consume faster than it fills, or lift the limit')]
  }
  const todo = `consume it, lift the limit (argument x-max-length, or a policy), or schedule to it with outlet: true; no dueque queue needs a limit`
  const effect = effectOfRefusal(name, facts)
  const readyBytes = facts.management.readyBytes?.get(name)
  const isFull = typeof length === 'number' && messages >= length
  if (isFull || (typeof bytes === 'number' && readyBytes !== undefined && isFullOf(bytes, ready, readyBytes))) {
    const size = readyBytes === undefined ? '' : ` with ${readyBytes} bytes ready`
    const what = `queue ${name} is full (${counted(messages, 'message')}${size}, ${limits}, ${String(overflow)}): ${effect}`
    return [finding('error', 'queue-full', what, todo)]
  }
  return [finding('warning', 'queue-rejects', `queue ${name} rejects messages at ${limits}: then ${effect}`, todo)]
}

/** Measured: 4.3.6 keeps refused messages in the rung; 3.10.8 finds no route for them when it tries again. */
function effectOfRefusal(name: string, { names, management }: Facts): string {
  const hang = `hang in the rungs, or from there in ${names.unroutable} (RabbitMQ 3.10); as many as one rung hands over at a time (32 by default) stop it for all queues`
  const outlet = names.queueOutlet(name)
  if (!lastLook(management)?.has(outlet)) return `its due messages ${hang}`
  return `its due messages wait in its outlet ${outlet}; those that were scheduled without one ${hang}`
}

/** Whether one more of the same size is over the limit. RabbitMQ goes by the next message, whose size nobody knows. */
function isFullOf(limit: number, ready: number, readyBytes: number): boolean {
  return ready > 0 && readyBytes + readyBytes / ready > limit
}

function checkDeadLetters({ name, type }: QueueFact, inForce: InForce, { names, server, vhost }: Facts): Finding[] {
  const deadLetters = inForce('dead-letter-exchange') !== undefined
  if (!deadLetters && type !== 'stream') {
    const dead = deadQueue(name)
    const definition = {
      'dead-letter-exchange': names.deliver,
      'dead-letter-routing-key': destinationKey({ queue: dead }),
    }
    const policy = `rabbitmqctl set_policy -p ${quoted(vhost)} --apply-to queues ${quoted(dead)} ${quoted(exactly(name))} ${quoted(JSON.stringify(definition))}`
    const dropped = hasDefaultLimit(type, inForce, server.version)
      ? 'RabbitMQ drops messages that were delivered more than 20 times without an ack'
      : 'RabbitMQ drops messages that expire or are rejected in it'
    const what = `queue ${name} has no dead-lettering: ${dropped}`
    return [finding('warning', 'queue-no-dead-letters', what, `${policy} (a consumer of dueque declares ${dead})`)]
  }
  if (!hasDefaultLimit(type, inForce, server.version)) return []
  const what = `queue ${name} has no delivery limit of its own: RabbitMQ 4 dead-letters after 20 deliveries without an ack`
  return [finding('note', 'queue-no-delivery-limit', what, 'x-delivery-limit, or a policy with delivery-limit')]
}

function hasDefaultLimit(type: string, inForce: InForce, version: string): boolean {
  return type === 'quorum' && inForce('delivery-limit') === undefined && versionOf(version)[0] >= 4
}
