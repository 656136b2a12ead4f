import { connect, ladder } from 'dueque'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { queuesOf, type Broker } from './broker.js'
import { BODY_BYTES, payloadItems, scheduleEvery } from './load.js'
import { MIB } from './numbers.js'
import type { Options } from './options.js'
import type { Result, Row } from './report.js'

const QUEUE = 'bench.memory'
const DELAY = '30d'
/** These messages stay in the broker, and are included in its memory. */
const WARM_UP = 1_000
const SETTLE_POLL_MS = 5_000
const SETTLE_MS = 90_000

interface Sample {
  waiting: number
  /** This process, after a garbage collection. Bytes, as all that follows. */
  heap: number
  rss: number
  brokerMemory: number
  /** Undefined for a broker on another machine. */
  brokerRss: number | undefined
}

/** The memory of the broker for many messages with long delays, and whether that of their producer stays constant. */
export async function memory(broker: Broker, options: Options): Promise<Result> {
  const { count = 500_000, inFlight = 2000, queueType, shards } = options
  const to = { queue: QUEUE }
  const mq = await connect({ url: broker.url, maxInFlight: inFlight, strategy: ladder({ queueType, shards }) })
  await scheduleEvery(
    mq,
    payloadItems(WARM_UP, () => ({ to, in: DELAY, declare: true })),
  )
  const samples = [await sampleOf(broker, 0)]
  const before = await nodeMemory(broker)
  let waiting = 0
  const half = Math.floor(count / 2)
  const source = payloadItems(count, () => ({ to, in: DELAY }))
  let middle: Promise<Sample> | undefined
  await scheduleEvery(mq, source, () => {
    waiting++
    if (waiting === half) middle = sampleOf(broker, waiting)
  })
  if (middle) samples.push(await middle)
  samples.push(await sampleOf(broker, count))
  const queues = await settled(broker)
  samples.push(await sampleOf(broker, count))
  const after = await nodeMemory(broker)
  await mq.close()

  const rungs = queues.filter(({ name }) => name.includes('.wait.'))
  const queueBytes = rungs.reduce((sum, { memory: bytes = 0 }) => sum + bytes, 0)
  const perMessage = (bytes: number, messages = count) => `${(bytes / messages).toFixed(1)} bytes a message`
  const last = samples.at(-1)!
  return {
    settings: { count, bodyBytes: BODY_BYTES, delay: DELAY, inFlight, queueType, shards },
    rows: samples.map((one, i) => rowOf(one, i === samples.length - 1 ? 'settled' : '')),
    notes: [
      `wait queues: ${(queueBytes / MIB).toFixed(1)} MiB by the management API, ${perMessage(queueBytes, count + WARM_UP)}`,
      `broker memory: ${perMessage(last.brokerMemory - samples[0]!.brokerMemory)} more than before`,
      ...(last.brokerRss === undefined
        ? []
        : [`broker RSS: ${perMessage(last.brokerRss - samples[0]!.brokerRss!)} more than before`]),
    ],
    details: { samples, queues: rungs, nodeMemory: { before, after } },
  }
}

function rowOf({ waiting, heap, rss, brokerMemory, brokerRss }: Sample, note: string): Row {
  return {
    waiting,
    'producer heap MiB': heap / MIB,
    'producer RSS MiB': rss / MIB,
    'broker memory MiB': brokerMemory / MIB,
    'broker RSS MiB': brokerRss === undefined ? NaN : brokerRss / MIB,
    note,
  }
}

async function sampleOf(broker: Broker, waiting: number): Promise<Sample> {
  ;(globalThis as { gc?: () => void }).gc?.()
  const { heapUsed: heap, rss } = process.memoryUsage()
  const { mem_used: brokerMemory, os_pid: pid } = await firstNode(broker)
  const one = { waiting, heap, rss, brokerMemory, brokerRss: await rssOf(broker, pid) }
  say(`  ${waiting} waiting, producer RSS ${Math.round(rss / MIB)} MiB, broker ${Math.round(brokerMemory / MIB)} MiB`)
  return one
}

interface Node {
  name: string
  mem_used?: number
  os_pid: string
}

async function firstNode({ ask }: Broker): Promise<Required<Node>> {
  // A node that has just started reports no numbers yet.
  for (;;) {
    const [node] = await ask<Node[]>('/nodes')
    if (node?.mem_used !== undefined) return { ...node, mem_used: node.mem_used }
    await sleep(500)
  }
}

/** Memory by use. */
async function nodeMemory(broker: Broker): Promise<unknown> {
  const { name } = await firstNode(broker)
  return (await broker.ask<{ memory: unknown }>(`/nodes/${name}/memory`)).memory
}

/** Of a broker on this machine. Its process id means nothing here if it runs in a container. */
async function rssOf({ url }: Broker, pid: string): Promise<number | undefined> {
  if (!/^(?:127\.|localhost$|\[::1\]$)/.test(new URL(url).hostname)) return undefined
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    if (!/^Name:\s*beam/m.test(status)) return undefined
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024
  } catch {
    return undefined
  }
}

/** The queues, when their memory has stopped changing by more than 1 %. */
async function settled(broker: Broker): Promise<Awaited<ReturnType<typeof queuesOf>>> {
  const total = (queues: Awaited<ReturnType<typeof queuesOf>>) =>
    queues.reduce((sum, { memory: bytes = 0 }) => sum + bytes, 0)
  let queues = await queuesOf(broker)
  for (const end = Date.now() + SETTLE_MS; Date.now() < end;) {
    await sleep(SETTLE_POLL_MS)
    const before = total(queues)
    queues = await queuesOf(broker)
    if (Math.abs(total(queues) - before) <= before * 0.01) break
  }
  return queues
}
