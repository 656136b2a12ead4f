import type { GetMessage } from 'amqplib'
import { setTimeout as sleep } from 'node:timers/promises'
import { stat } from 'node:fs/promises'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import type { Kept } from '../../scripts/checker/history.js'
import { decodeBatch, queueOfBatches } from '../../src/message/batch.js'
import { connectRaw } from '../broker.js'
import { counts, sum } from '../counts.js'
import { ID_PREFIX, keyOf } from './course.js'
import type { Shift } from './crew.js'
import { OPERATED_QUEUE, type Kind } from './queues.js'
import type { Ways } from './ways.js'

/** A quorum queue reports its counts every 5 s. */
const LOOK_EVERY_MS = 6_000
const LOOKS = 3
const PAGE = 1000

export interface Found extends Kept {
  key: string
}

/**
 * Waits until nothing is in any work queue, the rungs hold the same number of messages, and no handler has been called for a
 * while; at most so long.
 */
export async function untilAtRest(
  cluster: PrivateCluster,
  shifts: readonly Shift[],
  patienceMs: number,
): Promise<void> {
  const end = Date.now() + patienceMs
  let quiet = 0
  let last = ''
  while (quiet < LOOKS && Date.now() < end) {
    await sleep(LOOK_EVERY_MS)
    const counted = await counts(cluster.nodes[0]!).catch(() => undefined)
    const sizes = await Promise.all(shifts.map(({ ledgerFile }) => stat(ledgerFile).then(({ size }) => size)))
    const inRungs = counted?.filter(({ name }) => isRung(name))
    const now = JSON.stringify([sizes, inRungs])
    const isIdle = counted?.every(({ name }) => isRung(name) || isOver(name) || isTicks(name))
    quiet = isIdle && now === last ? quiet + 1 : 0
    last = now
  }
}

/** The waiting messages of all strategies, as they list them. Those of a store have no other place. */
export async function listAll(ways: Ways): Promise<Found[]> {
  const found: Found[] = []
  for (const [kind, mq] of Object.entries(ways) as [Kind, Ways[Kind]][]) {
    let cursor: string | undefined
    do {
      const page = await mq!.list({ idPrefix: ID_PREFIX, limit: PAGE, cursor })
      for (const { receipt, payload } of page.messages) {
        const one = { key: keyOf(receipt.id), k: (payload as { k: number }).k, place: `the list of ${kind}` }
        found.push({ ...one, is: 'listed' })
        if (kind !== 'ladder') found.push({ ...one, is: 'waiting' })
      }
      cursor = page.cursor
    } while (cursor !== undefined)
  }
  return found
}

/** Takes all messages out of all queues. Their dead-letter workers hold some that cannot be taken: `withheld` counts them. */
export async function takeAll(cluster: PrivateCluster): Promise<{ found: Found[]; withheld: number }> {
  const found: Found[] = []
  const model = await connectRaw(cluster.nodes[0]!)
  const counted = (await counts(cluster.nodes[0]!)).filter(({ name }) => !isTicks(name))
  let taken = 0
  for (const { name } of counted) {
    const channel = await model.createChannel()
    for (;;) {
      const message = await channel.get(name, { noAck: true })
      if (!message) break
      taken++
      const { headers = {} } = message.properties
      const kept = {
        is: name.endsWith('.dead') ? 'dead' : name.endsWith('.parked') ? 'parked' : 'waiting',
        place: name,
        reason: headers['dueque-dead-reason'] as string | undefined,
        deadAt: headers['dueque-dead-at'] as number | undefined,
      } as const
      for (const one of contentsOf(message)) found.push({ ...one, ...kept })
    }
    await channel.close()
  }
  await model.close()
  return { found, withheld: Math.max(0, sum(counted) - taken) }
}

/** Of a message, or of all in a batch. */
function contentsOf({ content, properties }: GetMessage): Pick<Found, 'key' | 'k'>[] {
  const { 'dueque-items': count, 'dueque-to': to } = (properties.headers ?? {}) as Record<string, unknown>
  const kOf = (body: Buffer) => (JSON.parse(body.toString()) as { k: number }).k
  if (count === undefined) return [{ key: keyOf(String(properties.messageId)), k: kOf(content) }]
  const queue = queueOfBatches((to as string).replace(/^queue:/, ''))!
  return decodeBatch(content, count, queue).map(({ id, body }) => ({ key: keyOf(id), k: kOf(body as Buffer) }))
}

function isRung(name: string): boolean {
  return name.includes('.wait.')
}

/** An operator redrives the dead messages of one queue. */
function isOver(name: string): boolean {
  return /\.(dead|parked)$/.test(name) && name !== `${OPERATED_QUEUE}.dead`
}

/** Of recurring messages: ticks, and the bookmark of the ticker. */
function isTicks(name: string): boolean {
  return name.includes('.ticks')
}
