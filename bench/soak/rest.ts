import { setTimeout as sleep } from 'node:timers/promises'
import { stat } from 'node:fs/promises'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { connectRaw } from '../broker.js'
import { counts, sum, type Count } from '../counts.js'
import type { Stored } from './books.js'
import type { Shift } from './crew.js'

/** A quorum queue reports its counts every 5 s. */
const LOOK_EVERY_MS = 6_000
const LOOKS = 3

/**
 * Waits until nothing is in any queue but what is dead or parked, and no handler has been called for a while; at most so
 * long. Returns what is in the other queues then.
 */
export async function untilAtRest(
  cluster: PrivateCluster,
  shifts: readonly Shift[],
  patienceMs: number,
): Promise<Count[]> {
  const end = Date.now() + patienceMs
  let quiet = 0
  let last = ''
  for (;;) {
    const left = await busy(cluster).catch(() => undefined)
    const sizes = await Promise.all(shifts.map(({ ledgerFile }) => stat(ledgerFile).then(({ size }) => size)))
    const now = sizes.join()
    quiet = left?.length === 0 && now === last ? quiet + 1 : 0
    last = now
    if (quiet >= LOOKS || Date.now() >= end) return left ?? []
    await sleep(LOOK_EVERY_MS)
  }
}

async function busy({ nodes }: PrivateCluster): Promise<Count[]> {
  return (await counts(nodes[0]!)).filter(({ name }) => !/\.(dead|parked)$/.test(name))
}

/** Takes all messages out of all queues. Their dead-letter workers hold some that cannot be taken: `withheld` counts them. */
export async function takeAll(cluster: PrivateCluster): Promise<{ stored: Stored[]; withheld: number }> {
  const stored: Stored[] = []
  const model = await connectRaw(cluster.nodes[0]!)
  const counted = await counts(cluster.nodes[0]!)
  for (const { name } of counted) {
    const channel = await model.createChannel()
    for (;;) {
      const message = await channel.get(name, { noAck: true })
      if (!message) break
      const { headers = {} } = message.properties
      const { n } = JSON.parse(message.content.toString()) as { n: number }
      const reason = headers['dueque-dead-reason'] as string | undefined
      stored.push({ n, queue: name, reason, deadAt: headers['dueque-dead-at'] as number | undefined })
    }
    await channel.close()
  }
  await model.close()
  return { stored, withheld: Math.max(0, sum(counted) - stored.length) }
}
