import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, ladder, on, type Dueque } from '../../src/index.js'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { awaitedLater } from '../support/awaited-later.js'
import { poll, startNode } from '../support/broker.js'
import { failure } from '../support/mq.js'
import { isBefore } from '../support/version.js'
import { batchOf, noteItem, send } from '../support/batch-of.js'
import { openWorld } from '../strategies/amqp-world.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'

const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined

describe.skipIf(noNode)('a private broker (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let node: PrivateNode
  const opened: Dueque[] = []
  const open = async (options = {}) => {
    const mq = await connect({ url: node.url, ...options })
    opened.push(mq)
    return mq
  }
  beforeAll(async () => {
    node = (await startNode({ management: false }))!
  })
  afterAll(async () => {
    await Promise.all(opened.map((mq) => mq.close({ drainTimeoutMs: 1000 })))
    await node.stop()
  })

  test('killed with 20,000 messages waiting or on their first hop: each is handled once, none early, overdue ones soon', async (test) => {
    // "Improved resiliency of dead-lettering" is part of 3.10.20. Measurements: docs/operations/crashes.md.
    test.skip(
      isBefore(node.version, [3, 10, 20]),
      `RabbitMQ ${node.version} may lose some by itself, in its dead-letter workers`,
    )
    const queue = unique('crash')
    const mq = await open({ publishTimeoutMs: 120_000 })
    const count = 20_000
    function* items() {
      for (let n = 0; n < count; n++) {
        yield {
          message: note,
          payload: { n },
          options: { to: { queue }, in: 20_000 + Math.floor(Math.random() * 20_000), declare: true },
        }
      }
    }
    const dueAt: number[] = []
    for await (const { receipt, error } of mq.scheduleAll(items())) {
      if (error) throw error
      dueAt.push(Date.parse(receipt.dueAt))
    }
    await node.kill()
    await node.restart()
    const handled = new Map<number, number>()
    let early = 0
    const consumer = await (
      await open()
    ).consume(
      queue,
      [
        on(note, ({ payload, dueAt }) => {
          handled.set(payload.n, (handled.get(payload.n) ?? 0) + 1)
          if (Date.now() < dueAt.getTime()) early++
        }),
      ],
      { prefetch: 1000, concurrency: 100 },
    )
    await poll(() => handled.size === count, { timeoutMs: 150_000, what: `${count} handled` })
    const lateMs = Date.now() - Math.max(...dueAt)
    console.info({ lateMs, ...consumer.stats() })
    expect(early).toBe(0)
    expect([...handled.values()].filter((times) => times > 1)).toEqual([])
  }, 240_000)

  test('killed with batches at a consumer and waiting: none of their items is lost or early, or handled twice', async (test) => {
    const lossy = isBefore(node.version, [3, 10, 20])
    test.skip(lossy, `RabbitMQ ${node.version} may lose some by itself, in its dead-letter workers`)
    const queue = unique('crash-batches')
    const mq = await open({ publishTimeoutMs: 120_000 })
    const recorder = await Recorder.on(mq, queue, { batches: true, prefetch: 50, duplicates: { maxEntries: 0 } })
    const all = Array.from({ length: 40 * 64 }, (_, n) => n)
    // At the crash half of them have begun, and most of their items are held.
    const now = Date.now()
    for (let batch = 0; batch < 40; batch++) {
      const dueAt = (n: number) => now + (batch % 2) * 6000 + (n < 20 ? 0 : 6000)
      await send(mq, batchOf(all.slice(0, 64).map((n) => noteItem(queue, batch * 64 + n, dueAt(n)))))
    }
    await recorder.has(400)
    await node.kill()
    await node.restart()
    await recorder.has(all.length, 120_000)
    await mq.close({ drainTimeoutMs: 5000 })
    expect(recorder.early).toEqual([])
    expect(recorder.numbers.toSorted((a, b) => a - b)).toEqual(all)
  }, 180_000)

  test('killed just after rungs were declared: no confirmed message is lost, whichever process declared them', async () => {
    const queue = unique('young')
    // Wide, so that the time it takes to declare does not change the rungs.
    const strategy = () => ladder({ tolerance: () => 5000 })
    const [one, other] = await Promise.all(
      ['one', 'other'].map(() => open({ namespace: queue, publishTimeoutMs: 100_000, strategy: strategy() })),
    )
    for (const mq of [one!, other!]) await mq.schedule(note, { n: -1 }, { to: { queue }, in: 0, declare: true })
    const seconds = [15, 16, 17, 18, 19]
    const schedule = (mq: Dueque, n: number) => mq.schedule(note, { n }, { to: { queue }, in: `${n % 100}s` })
    const declared = awaitedLater(seconds.map((n) => schedule(one!, n)))
    const world = openWorld(node.url)
    const depth = (n: number) => world.depth(`${queue}.v1.wait.${n}s`).catch(() => 0)
    // On a busy machine the last message may take the rung of one before, within the tolerance.
    const areWaiting = async () => {
      const depths = await Promise.all(seconds.map(depth))
      return depths.at(-1)! > 0 || depths.reduce((sum, one) => sum + one, 0) === seconds.length
    }
    await poll(areWaiting, { what: 'the last rung', timeoutMs: 60_000, intervalMs: 5 })
    await world.close()
    let confirmed = 0
    const found = awaitedLater(seconds.map((n) => schedule(other!, 100 + n).then(() => confirmed++)))
    // As long as a confirm takes if it is not held.
    await poll(() => confirmed === seconds.length, { what: 'confirms', timeoutMs: 200 }).catch(() => undefined)
    await node.kill()
    await node.restart()
    await Promise.all([declared, found])
    const recorder = await Recorder.on(one!, queue)
    await recorder.has(12, 60_000)
    const expected = [-1, ...seconds, ...seconds.map((n) => 100 + n)]
    expect([...new Set(recorder.numbers)].toSorted((a, b) => a - b)).toEqual(expected)
  }, 180_000)

  test('restarted: waiting messages, publishes in flight and consumers all go on', async () => {
    const queue = unique('restart')
    const mq = await open({ publishTimeoutMs: 100_000 })
    const events: string[] = []
    mq.on('reconnected', () => events.push('reconnected'))
    const recorder = await Recorder.on(mq, queue)
    await scheduleNotes(
      mq,
      queue,
      Array.from({ length: 100 }, (_, i) => 4000 + i * 20),
    )
    await node.shutdown()
    const underWay = awaitedLater(
      Array.from({ length: 50 }, (_, i) => mq.schedule(note, { n: 100 + i }, { to: { queue }, in: 500 })),
    )
    await node.restart()
    await underWay
    await recorder.has(150, 60_000)
    expect(recorder.early).toEqual([])
    expect(recorder.numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, n) => n))
    expect(events).toContain('reconnected')
  }, 120_000)

  test('away for longer than publishTimeoutMs: a schedule fails in time and reports its outcome', async () => {
    const queue = unique('away')
    const mq = await open({ publishTimeoutMs: 4000 })
    await scheduleNotes(mq, queue, [0])
    await node.kill()
    await poll(() => failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: 10 })).then(() => true), {
      timeoutMs: 20_000,
      what: 'a failure',
    })
    const error = await failure(mq.schedule(note, { n: 2 }, { to: { queue }, in: 10 }))
    expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'refused' })
    await node.restart()
  }, 120_000)
})
