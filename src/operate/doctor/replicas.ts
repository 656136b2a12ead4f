import { finding, type Finding } from '../../base/finding.js'
import type { LogKind, LogLayout } from '../../log/log-layout.js'
import type { Facts } from './facts.js'
import { quoted, some } from './texts.js'

/** The effect of missing replicas of a stream. */
const LOGS: Readonly<Record<LogKind, { everywhere: string; onNode: string }>> = {
  cancellations: {
    everywhere: 'nothing can be cancelled, and consumers cannot read',
    onNode: 'consumers that are connected there do not read cancellations',
  },
  journal: {
    everywhere: 'nothing can be scheduled with a journal, and waiting messages cannot be listed',
    onNode: 'programs that are connected there cannot list waiting messages',
  },
  recurring: {
    everywhere: 'recurring messages stop, and cannot be changed',
    onNode: 'programs that are connected there send no recurring messages',
  },
}

/** A node without a replica refuses readers, and RabbitMQ gives a stream no replica on a node that joins later. */
export function checkReplicas(log: LogLayout, { vhost, management }: Facts): Finding[] {
  const { nodes = [], replicas } = management
  if (!replicas) return []
  const { everywhere, onNode } = LOGS[log.kind]
  const streams = log.streams().flatMap(({ name }) => (replicas.has(name) ? [name] : []))
  const lost = streams.filter((name) => {
    const { members, online } = replicas.get(name)!
    return online.length * 2 <= members.length
  })
  const up = nodes.filter(({ running }) => running)
  return [
    ...(lost.length === 0 ? [] : [withoutMajority(lost, everywhere)]),
    ...up.flatMap(({ name: node }) => {
      const without = streams.filter((name) => !replicas.get(name)!.members.includes(node))
      const down = streams.filter((name) => isDown(replicas.get(name)!, node) && !lost.includes(name))
      return [
        ...(without.length === 0 ? [] : [withoutReplica(node, without, { vhost, onNode })]),
        ...(down.length === 0 ? [] : [replicaDown(node, down, { vhost, onNode })]),
      ]
    }),
  ]
}

function isDown({ members, online }: { members: string[]; online: string[] }, node: string): boolean {
  return members.includes(node) && !online.includes(node)
}

function withoutMajority(streams: readonly string[], everywhere: string): Finding {
  const what = `too few replicas are online of ${some(streams)}: ${everywhere}`
  return finding('error', 'stream-unavailable', what, 'start the nodes that are down')
}

interface Place {
  vhost: string
  onNode: string
}

function withoutReplica(node: string, streams: readonly string[], { vhost, onNode }: Place): Finding {
  const what = `node ${node} has no replica of ${some(streams)}: ${onNode}`
  const todo = `for each stream: rabbitmq-streams add_replica -p ${quoted(vhost)} ${quoted(streams[0]!)} ${quoted(node)}`
  return finding('warning', 'stream-without-replica', what, todo)
}

function replicaDown(node: string, streams: readonly string[], { vhost, onNode }: Place): Finding {
  const what = `the replica on node ${node} is down of ${some(streams)}: ${onNode}`
  const todo = `for each stream: rabbitmq-streams restart_stream -p ${quoted(vhost)} ${quoted(streams[0]!)}`
  return finding('warning', 'stream-replica-down', what, todo)
}
