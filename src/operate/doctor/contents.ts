import { counted } from '../../base/counted.js'
import { roleReader } from '../queue-roles.js'
import { lastLook, type Facts } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'
import { some } from './texts.js'

/**
 * Messages that stay where they are until somebody looks: parked, unroutable and dead ones.
 *
 * @param refusing findings of the other checks that keep messages from being sent on
 */
export function checkContents(facts: Facts, refusing: readonly string[] = []): Finding[] {
  const { parked, unroutable } = facts.names
  const parkedCount = countOf(parked, facts)
  const unroutableCount = countOf(unroutable, facts)
  const findings: Finding[] = []
  if (parkedCount > 0) {
    const what = `${counted(parkedCount, 'message is', 'messages are')} parked in ${parked}: their destination was missing when they were due`
    findings.push(
      finding(
        'warning',
        'parked',
        what,
        'declare their destinations and send them on: docs/operations/dead-and-parked.md',
      ),
    )
  }
  if (unroutableCount > 0) {
    const what = `${counted(unroutableCount, 'message is', 'messages are')} in ${unroutable}${growth(unroutable, facts)}, where a connected dueque process takes them out`
    const because = `${refusing.join('; or ')}: probably because of that they come back. Mend it, and let a process be connected`
    const todo = refusing.length > 0 ? because : 'connect one, or see in its log why it cannot move them'
    findings.push(finding('warning', 'unroutable', what, todo))
  }
  const known = facts.seenQueues.has(parked) || lastLook(facts.management) !== undefined
  if (findings.length === 0 && known) findings.push(finding('ok', 'strays', 'nothing is parked or unroutable'))
  return [...findings, ...deadMessages(facts)]
}

function countOf(queue: string, { management, seenQueues }: Facts): number {
  const seen = seenQueues.get(queue)
  return lastLook(management)?.get(queue)?.messages ?? (typeof seen === 'number' ? seen : 0)
}

function growth(queue: string, { management: { looks = [] } }: Facts): string {
  const [first, last] = [looks[0], looks.at(-1)].map((look) => look?.queues.get(queue)?.messages ?? 0)
  return looks.length > 1 && last! > first! ? ', and their number grows' : ''
}

function deadMessages({ names, management }: Facts): Finding[] {
  const roleOf = roleReader(names)
  const dead = [...(lastLook(management)?.values() ?? [])].filter(
    ({ name, messages }) => messages > 0 && roleOf(name)?.kind === 'dead',
  )
  if (dead.length === 0) return []
  const list = some(dead.map(({ name, messages }) => `${messages} in ${name}`))
  return [
    finding(
      'note',
      'dead',
      `messages were given up: ${list}`,
      'see their header dueque-dead-reason, mend, and send them on: docs/operations/dead-and-parked.md',
    ),
  ]
}

export function checkAlarms({ management: { nodes } }: Facts): Finding[] {
  if (!nodes) return []
  const findings = nodes.flatMap(({ name, running, memoryAlarm, diskAlarm }) => [
    ...(running ? [] : [finding('warning', 'node-down', `node ${name} is not running`, 'start it')]),
    ...(memoryAlarm ? [alarm('memory', name, 'consume or delete messages, or raise vm_memory_high_watermark')] : []),
    ...(diskAlarm ? [alarm('disk', name, 'free disk space, see disk_free_limit')] : []),
  ])
  return findings.length > 0 ? findings : [finding('ok', 'alarms', 'no memory or disk alarm')]
}

function alarm(kind: string, node: string, todo: string): Finding {
  return finding('error', `alarm-${kind}`, `${kind} alarm on ${node}: RabbitMQ takes no messages`, todo)
}
