import { deadQueue, destinationKey } from '../amqp/names.js'
import { effective } from './effective-policy.js'
import type { Facts, QueueFact } from './facts.js'
import { exactly, finding, quoted, type Finding } from './finding.js'
import { versionOf } from './product.js'
import { workQueues } from './targets.js'

/** The work queues that are bound as destinations: what in them would stop the ladder, or lose messages. */
export function checkDestinations(facts: Facts): Finding[] {
  const queues = workQueues(facts)
  const findings = queues.flatMap((queue) => checkQueue(queue, facts))
  if (findings.length > 0 || !facts.management.bindings) return findings
  return [finding('ok', 'destinations', `${queues.length} work queues are bound; nothing is wrong with them`)]
}

function checkQueue(queue: QueueFact, facts: Facts): Finding[] {
  const { policies = [], operatorPolicies = [] } = facts.management
  const inForce = (key: string) => effective(key, { ...queue, kind: 'queue' }, policies, operatorPolicies)
  return [
    ...checkLimits(queue, inForce, facts.names),
    ...checkDeadLetters(queue, inForce, facts),
    ...(queue.durable
      ? []
      : [
          finding('warning', 'queue-transient', `queue ${queue.name} does not survive a restart`, 'declare it durable'),
        ]),
  ]
}

type InForce = (key: string) => unknown

function checkLimits({ name, messages }: QueueFact, inForce: InForce, { unroutable }: Facts['names']): Finding[] {
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
  const todo = `consume it, or lift the limit (argument x-max-length, or a policy); no dueque queue needs one`
  // Measured: 4.3.6 keeps them in the rung; 3.10.8 finds no route for them when it tries again.
  const effect = `what is due for it hangs in the rungs, or from there in ${unroutable} (RabbitMQ 3.10); as many as one rung hands over at a time (32 by default) stop it for everybody`
  if (typeof length === 'number' && messages >= length) {
    const what = `queue ${name} is full (${messages} messages, ${limits}, ${String(overflow)}): ${effect}`
    return [finding('error', 'queue-full', what, todo)]
  }
  return [finding('warning', 'queue-rejects', `queue ${name} rejects messages at ${limits}: then ${effect}`, todo)]
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
      ? 'RabbitMQ drops what was delivered more than 20 times without an ack'
      : 'what expires or is rejected in it is dropped'
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
