import type { PrivateNode } from '../scripts/broker/private-node.js'

export interface Count {
  name: string
  messages: number
}

/**
 * Counts of each queue that is not empty, from the broker itself: the management API is some seconds behind. Records of
 * cancellations are no messages of queues.
 */
export async function counts(node: PrivateNode): Promise<Count[]> {
  const all = JSON.parse(await node.ctl('list_queues', '--formatter', 'json', 'name', 'messages')) as Count[]
  return all.filter(({ name, messages }) => messages > 0 && !name.includes('.v1.cancellations.'))
}

export function sum(counted: readonly Count[]): number {
  return counted.reduce((total, { messages }) => total + messages, 0)
}
