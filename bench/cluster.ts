import { connect, ladder, type Dueque } from 'dueque'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { poll } from '../scripts/broker/poll.js'
import { PrivateCluster } from '../scripts/broker/private-cluster.js'
import { say } from '../scripts/broker/say.js'
import { audit } from './audit.js'
import type { Broker } from './broker.js'
import { counts } from './counts.js'
import { BODY_BYTES, payloadOf, randomDelayMs, sample, warmUp } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { pace } from './pace.js'
import { startReceiver, type Receiver } from './receiving.js'
import type { Result } from './report.js'

const QUEUE = 'bench.cluster'
const LONGEST_DELAY_MS = 10_000
const WARM_UP = 3_000

/** The fate of messages in a cluster whose nodes are killed one after the other. Runs on private nodes. */
export async function cluster(_: Broker, options: Options): Promise<Result> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  if (!programs) {
    return { settings: {}, rows: [], notes: ['skipped: it needs private nodes: set DUEQUE_RABBITMQ_BIN'] }
  }
  const nodes = await PrivateCluster.start({ programs, advanced: !options.brokerDefaults })
  const mq = await connect({
    url: nodes.urls,
    strategy: ladder({ queueType: options.queueType, shards: options.shards }),
  })
  try {
    await warmUp(mq, { queue: QUEUE }, WARM_UP)
    await sleep(LONGEST_DELAY_MS)
    const { prefetch = 1000 } = options
    const receiver = await startReceiver({ kind: 'dueque', url: nodes.urls, queue: QUEUE, prefetch })
    return { ...(await soak({ nodes, mq, receiver }, options)), brokerVersion: nodes.nodes[0]!.version }
  } finally {
    await mq.close()
    await nodes.stop()
  }
}

interface Parts {
  nodes: PrivateCluster
  mq: Dueque
  receiver: Receiver
}

async function soak({ nodes, mq, receiver }: Parts, options: Options): Promise<Result> {
  const { rate = 1000, minutes = 3, killEvery = 20, patience = 30, prefetch = 1000, queueType, shards } = options
  const count = rate * minutes * 60
  let disconnected = 0
  mq.on('disconnected', () => disconnected++)
  const ledBefore = await ledRungs(nodes)
  const trouble = new Trouble(nodes, killEvery * 1000)
  const paced = await pace({ rate, count, stopAtFailure: false }, (n) =>
    mq.schedule(sample, payloadOf(n), { to: { queue: QUEUE }, in: randomDelayMs() }),
  )
  const kills = await trouble.end()
  await receiver.until(count - paced.failures.length, patience * 1000, Date.now() + LONGEST_DELAY_MS)
  await settled(nodes)
  const final = await receiver.finish()
  const audited = audit({ count, failures: paced.failures, final, left: await counts(nodes.nodes[0]!), queue: QUEUE })
  const ledAfter = await ledRungs(nodes)
  const late = spreadOf(final.lateness)
  const confirmMs = spreadOf(paced.confirmMs)
  return {
    settings: {
      rate,
      minutes,
      killEvery,
      bodyBytes: BODY_BYTES,
      delays: '1–10 s',
      prefetch,
      queueType,
      shards,
      brokerSettings: options.brokerDefaults ? 'defaults' : 'recommended',
    },
    rows: [audited.row],
    notes: [
      `lateness: p50 ${late.p50} ms, p90 ${late.p90}, p99 ${late.p99}, p99.9 ${late['p99.9']}, last ${late.max}`,
      `confirms: p50 ${confirmMs.p50.toFixed(0)} ms, p99 ${confirmMs.p99.toFixed(0)}, last ${confirmMs.max.toFixed(0)}; ` +
        `scheduling took ${paced.seconds.toFixed(1)} s`,
      `${kills.length} kills; the producer was disconnected ${disconnected} times; ` +
        `restarts took ${kills.map(({ seconds }) => seconds.toFixed(1)).join(', ')} s`,
      `rungs led by each node: ${ledBefore.join(', ')} before, ${ledAfter.join(', ')} after`,
      ...audited.notes,
    ],
    details: {
      kills,
      late,
      confirmMs,
      ...audited.details,
      receiver: { ...final, lateness: undefined, numbers: undefined },
    },
  }
}

interface Kill {
  node: number
  /** From the kill until the node accepted clients again. */
  seconds: number
}

/** Kills and restarts random nodes until it is stopped. */
class Trouble {
  readonly #kills: Kill[] = []
  readonly #ending = new AbortController()
  readonly #running: Promise<void>

  constructor({ nodes }: PrivateCluster, everyMs: number) {
    const { signal } = this.#ending
    this.#running = (async () => {
      for (let next = Date.now() + everyMs; ; next = Math.max(Date.now(), next + everyMs)) {
        await sleep(next - Date.now(), undefined, { signal }).catch(() => undefined)
        if (signal.aborted) return
        const node = randomInt(nodes.length)
        const killedAt = Date.now()
        await nodes[node]!.kill()
        await nodes[node]!.restart()
        const seconds = (Date.now() - killedAt) / 1000
        this.#kills.push({ node, seconds })
        say(`  node ${node} killed, and running again after ${seconds.toFixed(1)} s`)
      }
    })()
  }

  /** Resolves when all nodes run again. */
  async end(): Promise<Kill[]> {
    this.#ending.abort()
    await this.#running
    return this.#kills
  }
}

/** Resolves when all queues are empty, or no count changes any more. */
async function settled(nodes: PrivateCluster): Promise<void> {
  let last = ''
  const unchanged = async () => {
    const left = await counts(nodes.nodes[0]!)
    const before = last
    last = JSON.stringify(left)
    return left.length === 0 || last === before
  }
  await poll(unchanged, { what: 'the queues are at rest', timeoutMs: 60_000, intervalMs: 6_000 })
}

async function ledRungs(nodes: PrivateCluster): Promise<number[]> {
  const leaders = [...(await nodes.leaders())].filter(([name]) => name.includes('.wait.'))
  return nodes.nodes.map(({ name }) => leaders.filter(([, leader]) => leader === name).length)
}
