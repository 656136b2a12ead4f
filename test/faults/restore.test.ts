import { isDeepStrictEqual } from 'node:util'
import { expect, test, vi } from 'vitest'
import { ladder, on } from '../../src/index.js'
import { restoreJournal } from '../../src/operate/restore/restore-journal.js'
import { note, type Note } from '../strategies/recorder.js'
import { poll, startNode } from '../support/broker.js'
import { startChild } from '../support/child.js'
import { memoryDedupe } from '../support/memory-dedupe.js'
import { open } from '../support/mq.js'
import { dropVhost, makeVhost } from '../support/node-vhosts.js'
import { warmUp } from '../support/warm-up.js'
import { declareStreams, letRead, recordCounts, startShovels } from '../support/shovels.js'

vi.setConfig({ testTimeout: 600_000 })

const COUNT = Number(process.env['DUEQUE_RESTORED_COUNT'] ?? 2000)
/** From the first schedule to the first due time, and from that to the last. */
const [FIRST_MS, OVER_MS] = [30_000 + COUNT * 2, 5000 + COUNT]
const KILLS = 3
const FAR = 50
const HEADERS = { nested: { list: [1, 'two', { three: true }], none: null }, text: 'ünïcode' }
const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined

const isCancelled = (n: number) => n % 4 === 0
const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0)
const isMoved = (n: number) => n % 10 === 1

test.skipIf(noNode)(
  `a vhost with ${COUNT} waiting messages is lost (skipped if DUEQUE_RABBITMQ_BIN is not set): restored from copies by a process that is killed three times, each message is handled once, no cancelled one is, and the shovels go on`,
  async ({ onTestFinished }) => {
    const node = (await startNode({ plugins: ['rabbitmq_shovel'] }))!
    onTestFinished(() => node.stop())
    const [live, backup] = [await makeVhost(node, 'live'), await makeVhost(node, 'backup')]
    await declareStreams(backup)
    await declareStreams(live)
    await startShovels(node, 'live', 'backup')

    const queue = 'reminders'
    const unjournalled = await open(live, { publishTimeoutMs: 120_000 })
    await warmUp(unjournalled, 1000, FIRST_MS + OVER_MS)
    await unjournalled.close()
    const producer = await open(live, { strategy: ladder({ journal: true }), publishTimeoutMs: 120_000 })
    const firstAt = Date.now() + FIRST_MS
    const dueAt = (n: number) => new Date(Math.ceil(firstAt + (n / COUNT) * OVER_MS))
    const item = (n: number, at: Date) => ({
      message: note,
      payload: { n, text: 'old' },
      options: { to: { queue }, id: `note-${n}`, at, declare: true, headers: HEADERS },
    })
    const items = Array.from({ length: COUNT }, (_, n) => item(n, dueAt(n)))
    const far = Array.from({ length: FAR }, (_, n) => item(COUNT + n, new Date(Date.now() + (n + 1) * 86_400_000)))
    expect(await producer.scheduleAll([...items, ...far])).toMatchObject({ failed: 0 })
    const numbers = Array.from({ length: COUNT }, (_, n) => n)
    const cancelled = numbers.filter(isCancelled).map((n) => ({ id: `note-${n}`, dueAt: dueAt(n).toISOString() }))
    expect(await producer.cancelAll(cancelled)).toMatchObject({ cancelled: cancelled.length })
    const move = (n: number) =>
      producer.reschedule(
        { id: `note-${n}`, dueAt: dueAt(n).toISOString() },
        { at: new Date(firstAt + OVER_MS) },
        {
          message: note,
          payload: { n, text: 'new' },
          options: { to: { queue } },
        },
      )
    await Promise.all(numbers.filter(isMoved).map(move))
    const isCopied = async () => isDeepStrictEqual(await recordCounts(backup), await recordCounts(live))
    await poll(isCopied, { what: 'copies of all records', timeoutMs: 60_000, intervalMs: 500 })
    await producer.close()

    const lostAt = Date.now()
    expect(lostAt).toBeLessThan(firstAt)
    await dropVhost(node, 'live')
    await makeVhost(node, 'live')
    await letRead(node, 'live')
    const copied = total(await recordCounts(backup))
    const waiting = COUNT - cancelled.length
    for (let kill = 1; kill <= KILLS; kill++) {
      const child = startChild(new URL('restore-child.ts', import.meta.url), live, backup, `${lostAt}`)
      const some = Math.random() * (COUNT / 8)
      await poll(() => child.lines.length > some, { what: `${some} messages`, timeoutMs: 60_000, intervalMs: 1 })
      await child.kill()
    }
    const options = { url: live, from: { url: backup }, lostAt: new Date(lostAt), logger: false } as const
    const restored = await restoreJournal({ ...options, execute: true, declare: true })
    const { plan } = restored
    console.info({ ...restored, plan: { ...plan, destinations: plan.destinations.length } })
    expect(restored).toMatchObject({ restored: plan.messages, failed: 0, left: 0 })
    expect(plan.messages + plan.skipped.present).toBe(waiting + FAR)
    expect(plan.skipped.present).toBeGreaterThan(0)
    expect(plan.skipped.cancelled).toBe(cancelled.length + numbers.filter(isMoved).length)

    const isCopiedAgain = async () => total(await recordCounts(backup)) >= copied + waiting + FAR
    await poll(isCopiedAgain, { what: 'copies of the new records', timeoutMs: 60_000, intervalMs: 500 })

    const handled = new Map<number, Note[]>()
    const early: Note[] = []
    const consumer = await open(live)
    const record = (delivery: Note) => {
      if (Date.now() < delivery.dueAt.getTime()) early.push(delivery)
      handled.set(delivery.payload.n, [...(handled.get(delivery.payload.n) ?? []), delivery])
    }
    await consumer.consume(queue, [on(note, record)], { dedupe: { store: memoryDedupe() } })
    await poll(() => handled.size >= waiting, { what: `${waiting} messages`, timeoutMs: 120_000 })
    // Nothing of these may come again.
    await poll(() => Date.now() > firstAt + OVER_MS + 3000, { what: 'the last due time', timeoutMs: 120_000 })
    const texts = (n: number) => (handled.get(n) ?? []).map(({ payload, id }) => `${id} ${payload.text}`)
    const expected = (n: number) => (isCancelled(n) ? [] : [`note-${n} ${isMoved(n) ? 'new' : 'old'}`])
    for (const n of numbers) expect(texts(n), `of message ${n}`).toEqual(expected(n))
    expect(handled.get(3)?.[0]?.headers).toMatchObject(HEADERS)
    expect(early).toEqual([])

    const again = await restoreJournal(options)
    expect(again).toMatchObject({ restored: 0, plan: { messages: 0, skipped: { present: waiting + FAR } } })
  },
)
