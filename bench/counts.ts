import type { PrivateNode } from '../scripts/broker/private-node.js'

export interface Count {
  name: string
  messages: number
}

/** Counts of each queue that is not empty, from the broker itself: the management API is some seconds behind. Not of streams. */
export async function counts(node: PrivateNode): Promise<Count[]> {
  const all = JSON.parse(await node.ctl('list_queues', '--formatter', 'json', 'name', 'messages', 'type')) as (Count & {
    type: string
  })[]
  return all.flatMap(({ name, messages, type }) =>
    messages > 0 && !type.includes('stream') ? [{ name, messages }] : [],
  )
}

export function sum(counted: readonly Count[]): number {
  return counted.reduce((total, { messages }) => total + messages, 0)
}
