import { afterAll, beforeAll, describe, expect, onTestFinished, test, type TestContext } from 'vitest'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { connect, isDuequeError, ladder, type ConnectOptions, type Dueque } from '../../src/index.js'
import { AmqpWorld } from '../strategies/amqp-world.js'
import { conformance } from '../strategies/conformance.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'
import { nodeVersion, poll, startCluster } from '../support/broker.js'
import { failure } from '../support/mq.js'
import { openSockets } from '../support/sockets.js'
import { isBefore } from '../support/version.js'
import { SteadyLoad } from './steady-load.js'

const version = await nodeVersion()
const noNodes = version === undefined

const why = '(skipped where DUEQUE_RABBITMQ_BIN does not say how to start one)'

describe.skipIf(noNodes)(`a cluster of three ${why}`, () => {
  let cluster: PrivateCluster
  beforeAll(async () => {
    cluster = (await startCluster())!
  })
  afterAll(() => cluster.stop())

  // The first: later, the broker makes up for leaders that have moved, and others have made rungs of hours.
  test('spreads the leaders of the rungs evenly over its nodes', async () => {
    const mq = await open(cluster.urls)
    await scheduleNotes(
      mq,
      unique('balanced'),
      Array.from({ length: 12 }, (_, i) => (i + 1) * 3_600_000),
    )
    let leaders: [name: string, leader: string][] = []
    // Rungs of the warm-up are declared in the background.
    const all = async () => {
      leaders = [...(await cluster.leaders())].filter(([name]) => /\.wait\.\d+h$/.test(name))
      return leaders.length === 23
    }
    await poll(all, { what: 'all rungs of hours', timeoutMs: 60_000, intervalMs: 1000 })
    const led = cluster.nodes.map(({ name }) => leaders.filter(([, leader]) => leader === name).length)
    for (const count of led) expect(count, `${led.join(', ')} of 23 rungs`).toBeGreaterThanOrEqual(4)
  })

  const cannot = {
    'exchanges of every type receive the routing key unchanged':
      'routing is the same on three nodes, and its outlets take 8 s',
  }
  conformance({ name: 'ladder on three nodes', make: ladder, cannot }, () => new AmqpWorld(cluster.urls, ladder))

  // The last: two nodes are killed.
  test('without a majority, schedule fails in time instead of resolving, and works again when the nodes are back', async (test) => {
    skipIfItLoses(test)
    const [left, ...others] = cluster.nodes
    const queue = unique('majority')
    const publishTimeoutMs = 3000
    const mq = await open([left!.url], { publishTimeoutMs })
    const recorder = await Recorder.on(mq, queue)
    await scheduleNotes(mq, queue, [10, 8000])
    await Promise.all(others.map((node) => node.kill()))
    try {
      for (let n = 100; n < 103; n++) {
        const start = performance.now()
        const error = await failure(mq.schedule(note, { n }, { to: { queue }, in: 1000 }))
        expect(performance.now() - start).toBeLessThan(publishTimeoutMs + 2000)
        expect(isDuequeError(error, 'PUBLISH_TIMEOUT') && error.outcome).toMatch(/^(unknown|refused)$/)
      }
    } finally {
      await Promise.all(others.map((node) => node.restart()))
    }
    const end = Date.now() + 60_000
    while (!(await scheduled(mq, queue)) && Date.now() < end);
    // Confirmed messages arrive, failed ones may arrive.
    await poll(() => [0, 1, 200].every((n) => recorder.numbers.includes(n)), { what: 'arrivals', timeoutMs: 60_000 })
    expect(recorder.early).toEqual([])
  }, 240_000)
})

describe.skipIf(noNodes)(`a private cluster of three ${why}`, () => {
  test('a follower, then a leader killed and restarted under load: each handled once, none early, none lost', async (test) => {
    skipIfItLoses(test)
    // Its nodes get killed: no other test may use it afterwards, nor a second try.
    const cluster = (await startCluster())!
    onTestFinished(() => cluster.stop())
    const queue = unique('failover')
    await scheduleNotes(await open(cluster.urls), queue, [4000])
    // One of those that the load takes: which it is depends on how long the machine took to declare it.
    const [, leads] = [...(await cluster.leaders())].find(([name]) => name.includes('.wait.'))!
    const leader = cluster.named(leads)
    const [follower, other] = cluster.nodes.filter((node) => node !== leader) as [PrivateNode, PrivateNode]
    // The time of a leader election depends on the machine.
    const mq = await open(
      [follower, leader, other].map(({ url }) => url),
      { publishTimeoutMs: 120_000 },
    )
    const recorder = await Recorder.on(mq, queue, { prefetch: 1000, concurrency: 100 })
    await recorder.has(1)
    recorder.deliveries.length = 0

    const delayMs = () => 1000 + Math.floor(Math.random() * 4000)
    const load = new SteadyLoad(mq, { queue, perSecond: 200, delayMs }).start()
    onTestFinished(() => load.halt())
    const moreConfirmed = async (what: string) => {
      const before = load.confirmed.size
      const isMore = () => load.confirmed.size > before + 200
      await poll(isMore, { what, timeoutMs: 60_000 }).catch(async (error: unknown) => {
        const unwell = await cluster.unwell().catch(String)
        throw new Error(`${what}: ${load.confirmed.size - before} of 200; queues: ${unwell}`, { cause: error })
      })
    }
    for (const victim of [follower, leader]) {
      await poll(() => isConnectedTo(victim), { what: `the client on ${victim.name}`, timeoutMs: 20_000 })
      await moreConfirmed('load')
      await victim.kill()
      await victim.restart()
    }
    await moreConfirmed('load after the restarts')
    expect(isConnectedTo(other)).toBe(true)

    const count = await load.end()
    expect(load.failures).toEqual([])
    const missing = () => count - new Set(recorder.numbers).size
    await poll(() => missing() === 0, { what: `${count} handled`, timeoutMs: 90_000 }).catch(async (error: unknown) => {
      throw new Error(`${missing()} of ${count} missing; left in queues: ${await cluster.contents()}`, { cause: error })
    })
    expect(recorder.early).toEqual([])
    expect(recorder.numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
  }, 400_000)
})

function skipIfItLoses({ skip }: Pick<TestContext, 'skip'>): void {
  skip(
    isBefore(version!, [3, 10, 20]),
    `on RabbitMQ ${version} some messages stay with the dead-letter worker of a rung, see docs/operations/crashes.md`,
  )
}

async function open(urls: readonly string[], options: ConnectOptions = {}): Promise<Dueque> {
  const mq = await connect({ url: urls, ...options })
  // Publishes in flight end by their time-out at the latest.
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }), 180_000)
  return mq
}

function isConnectedTo(node: PrivateNode): boolean {
  return openSockets(Number(new URL(node.url).port)) > 0
}

function scheduled(mq: Dueque, queue: string): Promise<boolean> {
  return mq.schedule(note, { n: 200 }, { to: { queue }, in: 1000 }).then(
    () => true,
    () => false,
  )
}
