import { connect } from 'amqplib'
import { setTimeout as sleep } from 'node:timers/promises'
import { streamEnd } from '../../src/amqp/receive/stream-end.js'
import { Names } from '../../src/amqp/topology/names.js'
import { cancellationLayout } from '../../src/log/log-layout.js'
import { namespaceOf } from './queues.js'

const LOOK_EVERY_MS = 1000
const CONNECT_WITHIN_MS = 5000
/** Longer than the 10 s after which RabbitMQ tries again to stop or to start a replica (`rabbit_stream_coordinator`). */
const CALM_MS = 15_000
const LONGEST_MS = 300_000

const streams = cancellationLayout(new Names(namespaceOf('ladder')))
  .streams()
  .map(({ name }) => name)

/** The last offset of each stream by one node. */
export type Ends = readonly number[]

/**
 * Looks at the cancellation streams on every node. Resolves to the first time, in milliseconds since the epoch, from which on
 * each node had the records that another one had a second before, for a while. A node that takes no clients is left out from
 * then on: it reads its streams anew when it is back.
 */
export async function caughtUpAt(urls: readonly string[]): Promise<number> {
  const until = Date.now() + LONGEST_MS
  let before = await look(urls)
  for (let calmFrom: number | undefined; ;) {
    await sleep(LOOK_EVERY_MS)
    const now = await look([...before.keys()])
    const at = Date.now()
    calmFrom = isBehind([...now.values()], [...before.values()]) ? undefined : (calmFrom ?? at)
    if (calmFrom !== undefined && at >= calmFrom + CALM_MS) return calmFrom
    if (at >= until) return at
    before = now
  }
}

/** Whether a node lacks a record that another one had before. */
export function isBehind(now: readonly Ends[], before: readonly Ends[]): boolean {
  return now.some((ends) => before.some((others) => others.some((end, i) => end > ends[i]!)))
}

async function look(urls: readonly string[]): Promise<Map<string, Ends>> {
  const all = await Promise.all(urls.map(async (url) => [url, await endsBy(url)] as const))
  return new Map(all.filter((one): one is [string, Ends] => one[1] !== undefined))
}

async function endsBy(url: string): Promise<Ends | undefined> {
  const model = await connect(url, { timeout: CONNECT_WITHIN_MS }).catch(() => undefined)
  if (!model) return undefined
  model.on('error', () => undefined) // the looks fail
  const endOf = async (stream: string) => (await streamEnd(model, stream).catch(() => undefined))?.offset ?? -1
  const ends = await Promise.all(streams.map(endOf))
  void model.close().catch(() => undefined)
  return ends
}
