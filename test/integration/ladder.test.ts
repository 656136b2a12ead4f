import { expect, test, vi } from 'vitest'
import { DuequeError, connect, ladder } from '../../src/index.js'
import { Names } from '../../src/amqp/topology/names.js'
import type { QueuePart } from '../../src/amqp/topology/part.js'
import { LadderLayout } from '../../src/strategies/ladder/ladder-layout.js'
import { allRungs } from '../../src/strategies/ladder/rungs.js'
import { poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { openWorld } from '../strategies/amqp-world.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()

test('a rung deleted by somebody else is declared again, and nothing is lost', async () => {
  const queue = unique('deleted')
  // Wide, so that the time it takes to declare does not change the rungs.
  const mq = await open(vhost.url, { strategy: ladder({ tolerance: () => 10_000 }) })
  const world = openWorld(vhost.url)
  await scheduleNotes(
    mq,
    queue,
    ['1h', '2h', '40m'].map(() => 3_600_000),
  )
  for (const rung of ['1h', '2s']) await world.deleteQueue(`dueque.v1.wait.${rung}`)
  const delays = [2000, ...Array.from({ length: 200 }, () => 3_600_000)]
  await scheduleNotes(mq, queue, delays)
  await poll(async () => (await world.depth('dueque.v1.wait.1h')) === 200, {
    timeoutMs: 30_000,
    what: '200 messages in the rung',
  })
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(1)
  expect(recorder.early).toEqual([])
  expect(await world.parked()).toBe(0)
})

test('an exchange of the ladder deleted by somebody else is declared again', async () => {
  const queue = unique('exchange')
  // Wide, so that the time it takes to declare does not change the rungs.
  const mq = await open(vhost.url, { strategy: ladder({ tolerance: () => 10_000 }) })
  await scheduleNotes(mq, queue, [10])
  const world = openWorld(vhost.url)
  await world.admin((channel) => channel.deleteExchange('dueque.v1.entry.m'))
  await scheduleNotes(mq, queue, [120_000, 120_000, 3_600_000])
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(1)
  await poll(async () => (await world.depth('dueque.v1.wait.2m')) === 2, {
    timeoutMs: 30_000,
    what: 'the rung to hold them',
  })
})

test('a queue that was deleted and declared again while it is consumed is consumed again, and bound', async () => {
  const queue = unique('anew')
  const mq = await open(vhost.url)
  const world = openWorld(vhost.url)
  const recorder = await Recorder.on(mq, queue)
  await scheduleNotes(mq, queue, [0])
  await recorder.has(1)
  await world.deleteQueue(queue)
  await poll(
    () =>
      world.depth(queue).then(
        () => true,
        () => false,
      ),
    { timeoutMs: 30_000, what: 'the queue to be back' },
  )
  await poll(
    async () => {
      await scheduleNotes(mq, queue, [0])
      return recorder.deliveries.length > 1
    },
    { timeoutMs: 30_000, what: 'a delivery from the new queue', intervalMs: 500 },
  )
})

test('namespaces share nothing', async () => {
  const queue = unique('namespace')
  const [one, other] = [await open(vhost.url, { namespace: 'one' }), await open(vhost.url, { namespace: 'other' })]
  const recorder = await Recorder.on(one, queue)
  await one.schedule(note, { n: 1 }, { to: { queue }, in: 300 })
  await other.schedule(note, { n: 2 }, { to: { queue }, in: 300 })
  await recorder.has(2)
  const world = openWorld(vhost.url)
  for (const name of ['one', 'other']) await world.admin((channel) => channel.checkExchange(`${name}.v1.entry.ms`))
})

test('the number of shards may change while messages wait', async () => {
  const queue = unique('shards')
  for (const shards of [1, 4, 2]) {
    const mq = await open(vhost.url, { strategy: ladder({ shards }) })
    await scheduleNotes(
      mq,
      queue,
      Array.from({ length: 20 }, (_, i) => 800 + i * 10),
    )
  }
  const recorder = await Recorder.on(await open(vhost.url), queue)
  await recorder.has(60)
  expect(recorder.early).toEqual([])
  expect(recorder.deliveries).toHaveLength(60)
})

test('a schedule does not wait for an old rung of an earlier process, unless the rung was declared anew', async () => {
  const [queue, namespace] = [unique('marked'), unique('marked')]
  const world = openWorld(vhost.url)
  /** Duration of a schedule in a new process that ends afterwards. */
  const tookMs = async () => {
    const mq = await connect({ url: vhost.url, namespace })
    // Only the rung should be new.
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: 0, declare: true })
    const startedAt = performance.now()
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h' })
    const ms = performance.now() - startedAt
    await mq.close()
    return ms
  }
  expect(await tookMs()).toBeGreaterThan(1900)
  expect(await tookMs()).toBeLessThan(1500)
  await world.deleteQueue(`${namespace}.v1.wait.1h`)
  // As a process of an older version does, which does not know the marks.
  const hour = allRungs().find(({ name }) => name === '1h')!
  const [rung] = new LadderLayout(new Names(namespace)).rung(hour, { type: 'quorum', shard: 0 }) as [QueuePart]
  await world.admin((channel) => channel.assertQueue(rung.name, { arguments: rung.arguments }))
  expect(await tookMs()).toBeGreaterThan(1900)
  expect(await tookMs()).toBeLessThan(1500)
})

test('with delays of hours to days, few schedules wait for their rungs', async () => {
  const [queue, namespace] = [unique('warm'), unique('warm')]
  const mq = await open(vhost.url, { namespace })
  const slow: number[] = []
  for (let n = 0; n < 60; n++) {
    const startedAt = performance.now()
    const delay = 3_600_000 + Math.floor(Math.random() * 29 * 86_400_000)
    await mq.schedule(note, { n }, { to: { queue }, in: delay, declare: true })
    if (performance.now() - startedAt > 1000) slow.push(n)
  }
  expect(slow.length).toBeLessThanOrEqual(6)
}, 60_000)

test('messages pass their rungs smallest unit first', async () => {
  const queue = unique('path')
  const mq = await open(vhost.url)
  const world = openWorld(vhost.url)
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h6s', declare: true })
  await poll(async () => (await world.depth('dueque.v1.wait.6s')) === 1, {
    // The schedule over a new rung took 2 s to resolve.
    timeoutMs: 3900,
    what: 'it in the seconds first',
  })
  const before = await world.depth('dueque.v1.wait.1h')
  await poll(async () => (await world.depth('dueque.v1.wait.1h')) === before + 1, {
    timeoutMs: 30_000,
    what: 'it in the hours next',
  })
})

test('a message for a bare * binding of a topic exchange arrives once for each queue', async () => {
  const [queue, exchange] = [unique('star'), unique('topic')]
  const mq = await open(vhost.url)
  const world = openWorld(vhost.url)
  await world.declareExchange(exchange, 'topic')
  await world.declareQueue(queue)
  await world.bind(queue, exchange, '*')
  await world.bind(queue, exchange, 'one')
  // Documented: the path's keys reach the exchange too, and * matches any single word.
  await mq.schedule(note, { n: 1 }, { to: { exchange, routingKey: 'one' }, in: 100 })
  await mq.schedule(note, { n: 2 }, { to: { exchange, routingKey: 'two.words' }, in: 200 })
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(2)
  expect(recorder.numbers).toEqual([1, 2])
})

test('the ladder of another copy of dueque works', async () => {
  vi.resetModules()
  const copy = await import('../../src/index.js')
  expect(copy.DuequeError).not.toBe(DuequeError)
  const queue = unique('copy')
  const mq = await open(vhost.url, { strategy: copy.ladder() })
  await scheduleNotes(mq, queue, [0, 20, 150])
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(3)
  expect(recorder.early).toEqual([])
})
