import { exchange, type Part } from '../../amqp/topology/part.js'
import { finding, type Finding } from '../../base/finding.js'
import { cancellationLayout } from '../../log/log-layout.js'
import { judgePart, type Verdict } from '../topology/judge-part.js'
import type { Facts } from './facts.js'
import { quoted, some } from './texts.js'

const APPLY = 'dueque topology apply, as a user who may configure it'

/** The streams of cancellations: whether they are there, as dueque declares them, and can be read on every node. */
export function checkStreams(facts: Facts): Finding[] {
  if (!facts.hasStreams) return []
  const parts = cancellationLayout(facts.names).parts()
  const verdicts = parts.map((part) => judgePart(part, facts))
  const known = verdicts.filter((verdict) => verdict !== 'unknown')
  if (known.length === 0 || isNew(facts)) return []
  if (!hasStreams(facts)) return absent(facts)
  const findings = [...parts.flatMap((part, i) => describe(part, verdicts[i]!)), ...checkReplicas(parts, facts)]
  if (findings.length > 0) return findings
  return [finding('ok', 'cancellations', 'the streams of cancellations are there')]
}

/** Whether nothing is declared in the namespace, which is a finding of its own. */
function isNew(facts: Facts): boolean {
  return judgePart(exchange(facts.names.deliver, 'direct'), facts) === 'missing'
}

/** Whether anything of them is there, as far as that is known. */
export function hasStreams(facts: Facts): boolean {
  const things = cancellationLayout(facts.names)
    .parts()
    .filter(({ kind }) => kind !== 'binding')
  return things.some((part) => !['missing', 'unknown'].includes(String(judgePart(part, facts))))
}

function absent({ names, topology, queues }: Facts): Finding[] {
  const what = `there are no streams of cancellations in namespace ${names.prefix}: nothing was ever cancelled there`
  if (topology !== 'trust')
    return [finding('note', 'streams-new', what, 'nothing: the first consumer or cancellation declares them')]
  const fails = `${what}, and with topology trust a consumer does not start`
  if (queues.length === 0) return [finding('note', 'streams-new', what, APPLY)]
  return [finding('error', 'streams-missing', fails, `${APPLY}; or consume with cancellations: 'off'`)]
}

function describe(part: Part, verdict: Verdict): Finding[] {
  if (verdict === 'ok' || verdict === 'unknown') return []
  if (part.kind === 'binding') {
    const what = `stream ${part.name} is not bound to exchange ${part.from} with key "${part.key}": cancellations fail`
    return [finding('error', 'binding-missing', what, APPLY)]
  }
  const what = part.kind === 'queue' ? `stream ${part.name}` : `exchange ${part.name}`
  if (verdict === 'missing') return [finding('error', `${part.kind}-missing`, `${what} is missing`, APPLY)]
  const differs = `${what} is not as dueque declares it: ${verdict.join('; ')}`
  const todo = `let nothing cancel or consume, delete it (its cancellations are lost), and ${APPLY}`
  return [finding('error', 'arguments-differ', differs, todo)]
}

/** A node without a replica refuses readers, and RabbitMQ gives a stream no replica on a node that joins later. */
function checkReplicas(parts: readonly Part[], { vhost, management }: Facts): Finding[] {
  const { nodes = [], replicas } = management
  if (!replicas) return []
  const streams = parts.flatMap(({ kind, name }) => (kind === 'queue' && replicas.has(name) ? [name] : []))
  const lost = streams.filter((name) => {
    const { members, online } = replicas.get(name)!
    return online.length * 2 <= members.length
  })
  const up = nodes.filter(({ running }) => running)
  return [
    ...(lost.length === 0 ? [] : [withoutMajority(lost)]),
    ...up.flatMap(({ name: node }) => {
      const without = streams.filter((name) => !replicas.get(name)!.members.includes(node))
      const down = streams.filter((name) => isDown(replicas.get(name)!, node) && !lost.includes(name))
      return [
        ...(without.length === 0 ? [] : [withoutReplica(node, without, vhost)]),
        ...(down.length === 0 ? [] : [replicaDown(node, down, vhost)]),
      ]
    }),
  ]
}

function isDown({ members, online }: { members: string[]; online: string[] }, node: string): boolean {
  return members.includes(node) && !online.includes(node)
}

function withoutMajority(streams: readonly string[]): Finding {
  const what = `too few replicas are online of ${some(streams)}: nothing can be cancelled, and consumers cannot read`
  return finding('error', 'stream-unavailable', what, 'start the nodes that are down')
}

function withoutReplica(node: string, streams: readonly string[], vhost: string): Finding {
  const what = `node ${node} has no replica of ${some(streams)}: consumers that are connected there do not read cancellations`
  const todo = `for each stream: rabbitmq-streams add_replica -p ${quoted(vhost)} ${quoted(streams[0]!)} ${quoted(node)}`
  return finding('warning', 'stream-without-replica', what, todo)
}

function replicaDown(node: string, streams: readonly string[], vhost: string): Finding {
  const what = `the replica on node ${node} is down of ${some(streams)}: consumers that are connected there do not read cancellations`
  const todo = `for each stream: rabbitmq-streams restart_stream -p ${quoted(vhost)} ${quoted(streams[0]!)}`
  return finding('warning', 'stream-replica-down', what, todo)
}
