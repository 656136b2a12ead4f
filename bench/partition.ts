import { connect, on, type CancelMethods, type Dueque } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrivateCluster } from '../scripts/broker/private-cluster.js'
import { PrivateNetwork } from '../scripts/broker/private-network.js'
import { say } from '../scripts/broker/say.js'
import type { Broker } from './broker.js'
import { Heartbeats } from './heartbeats.js'
import { payloadOf, sample, warmUp } from './load.js'
import type { Options } from './options.js'
import { pace } from './pace.js'
import type { Result, Row } from './report.js'

const NODES = 3
const WARM_UP = 1000
const BEFORE_MS = 5_000
/** From the heal to the end of a measurement. */
const AFTER_MS = 60_000
const CANCELS_PER_SECOND = 5
const FAR_MS = 600_000

/** Links that are cut, and the sides of the nodes: a name for each. */
const PARTITIONS = {
  'one node alone': {
    links: [
      [0, 1],
      [0, 2],
    ],
    sides: ['the lone node', 'the majority', 'the majority'],
  },
  'one link cut': { links: [[0, 1]], sides: ['an end of the link', 'an end of the link', 'the third node'] },
  'all apart': {
    links: [
      [0, 1],
      [1, 2],
      [2, 0],
    ],
    sides: ['any node', 'any node', 'any node'],
  },
} as const

/** How long schedules, deliveries and cancellations stand still while nodes do not see each other. Runs on private nodes. */
export async function partition(_: Broker, options: Options): Promise<Result> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  const obstacle = programs ? PrivateNetwork.obstacle() : 'DUEQUE_RABBITMQ_BIN is not set'
  if (obstacle !== undefined) return { settings: {}, rows: [], notes: [`skipped: ${obstacle}`] }
  const { seconds = 30, rate = 20, netTick = 60 } = options
  const network = await PrivateNetwork.start(NODES)
  const stops = [() => network.stop()]
  try {
    const cluster = await PrivateCluster.start({
      programs: programs!,
      network,
      advanced: !options.brokerDefaults,
      netTickSeconds: netTick,
    })
    stops.unshift(() => cluster.stop())
    const rows = await measured(cluster, network, { seconds, rate })
    const settings = {
      nodes: NODES,
      seconds,
      rate,
      netTick,
      brokerSettings: options.brokerDefaults ? 'defaults' : 'recommended',
    }
    const more = { delays: '0.5–1.5 s', cancels: CANCELS_PER_SECOND }
    return { settings: { ...settings, ...more }, rows, brokerVersion: cluster.nodes[0]!.version }
  } finally {
    for (const stop of stops) await stop()
  }
}

async function measured(
  cluster: PrivateCluster,
  network: PrivateNetwork,
  { seconds, rate }: { seconds: number; rate: number },
): Promise<Row[]> {
  const clients = await Promise.all(cluster.urls.map((url, i) => Client.start(url, `bench.partition.${i}`)))
  const ending = new AbortController()
  const working = clients.map((client) => client.work(rate, ending.signal))
  const rows: Row[] = []
  for (const [name, { links, sides }] of Object.entries(PARTITIONS)) {
    say(`  ${name} …`)
    await sleep(BEFORE_MS)
    for (const client of clients) client.begin()
    for (const [a, b] of links) {
      await network.cut(a, b)
      await network.cut(b, a)
    }
    await sleep(seconds * 1000)
    await network.heal()
    const healedAt = performance.now()
    await sleep(AFTER_MS)
    for (const client of clients) client.end()
    for (const side of new Set<string>(sides)) {
      const its = clients.filter((_, i) => sides[i] === side)
      rows.push({ partition: name, 'client of': side, ...rowOf(its, healedAt) })
    }
  }
  ending.abort()
  await Promise.all(working)
  await Promise.all(clients.map((client) => client.close()))
  return rows
}

function rowOf(clients: readonly Client[], healedAt: number): Row {
  const longest = (of: (client: Client) => number) => Number((Math.max(...clients.map(of)) / 1000).toFixed(1))
  return {
    'no schedule s': longest(({ schedules }) => schedules.longestMs),
    'no delivery s': longest(({ deliveries }) => deliveries.longestMs),
    'no cancellation s': longest(({ cancellations }) => cancellations.longestMs),
    'last gap ends s after the heal': longest((client) => client.goesOnAt - healedAt),
    'latest delivery s': longest(({ latestMs }) => latestMs),
    'schedules failed': clients.reduce((sum, { failed }) => sum + failed, 0),
    early: clients.reduce((sum, { early }) => sum + early, 0),
  }
}

/** Schedules, handles and cancels on one node. */
class Client {
  static async start(url: string, queue: string): Promise<Client> {
    const mq = await connect({ url })
    await warmUp(mq, { queue }, WARM_UP)
    const client = new Client(mq, queue)
    await mq.consume(queue, [on(sample, ({ dueAt }) => client.#arrived(dueAt))])
    return client
  }

  readonly schedules = new Heartbeats()
  readonly deliveries = new Heartbeats()
  readonly cancellations = new Heartbeats()
  latestMs = 0
  failed = 0
  early = 0
  readonly #mq: Dueque & CancelMethods
  readonly #queue: string

  private constructor(mq: Dueque & CancelMethods, queue: string) {
    this.#mq = mq
    this.#queue = queue
  }

  /** Until it is aborted. */
  async work(rate: number, signal: AbortSignal): Promise<void> {
    const to = { queue: this.#queue }
    const steady = { count: Infinity, stopAtFailure: false, signal }
    const scheduling = pace({ rate, ...steady }, async (n) => {
      const confirmed = this.#mq.schedule(sample, payloadOf(n), { to, in: 500 + Math.floor(Math.random() * 1000) })
      await confirmed.catch((error: unknown) => {
        this.failed++
        throw error
      })
      this.schedules.beat()
    })
    const cancelling = pace({ rate: CANCELS_PER_SECOND, ...steady }, async (n) => {
      await this.#mq.cancel({ id: `${this.#queue}-${n}`, dueAt: new Date(Date.now() + FAR_MS).toISOString() })
      this.cancellations.beat()
    })
    await Promise.all([scheduling, cancelling])
  }

  begin(): void {
    this.latestMs = this.failed = this.early = 0
    for (const one of this.#all) one.begin()
  }

  end(): void {
    for (const one of this.#all) one.end()
  }

  /** The end of its last gap that is longer than usual. */
  get goesOnAt(): number {
    return Math.max(...this.#all.map(({ goesOnAt }) => goesOnAt))
  }

  close(): Promise<void> {
    return this.#mq.close({ drainTimeoutMs: 2000 })
  }

  get #all(): Heartbeats[] {
    return [this.schedules, this.deliveries, this.cancellations]
  }

  #arrived(dueAt: Date): void {
    const lateMs = Date.now() - dueAt.getTime()
    this.deliveries.beat()
    this.latestMs = Math.max(this.latestMs, lateMs)
    if (lateMs < 0) this.early++
  }
}
