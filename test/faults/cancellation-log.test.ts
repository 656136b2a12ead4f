import { connect as connectRaw } from 'amqplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { Names } from '../../src/amqp/topology/names.js'
import { cancellationLayout } from '../../src/log/log-layout.js'
import { HORIZONS } from '../../src/log/horizons.js'
import { decodeRecords } from '../../src/cancellation/record.js'
import { connect, on } from '../../src/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, startNode } from '../support/broker.js'
import { streamMessages } from '../support/stream-messages.js'
import { isBefore } from '../support/version.js'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined
const soon = () => new Date(Date.now() + 1_800_000)

describe.skipIf(noNode)('a private broker (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let node: PrivateNode
  beforeAll(async () => {
    node = (await startNode({ management: false }))!
  })
  afterAll(() => node.stop())

  async function open() {
    const namespace = unique('log')
    const mq = await connect({ url: node.url, namespace, publishTimeoutMs: 120_000 })
    onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    const stream = cancellationLayout(new Names(namespace)).stream(HORIZONS[0]!)
    const ids = async () => {
      const messages = await streamMessages(node.url, stream)
      return new Set(messages.flatMap(({ content }) => decodeRecords(content, fail).map(({ id }) => id)))
    }
    return { mq, stream, ids }
  }

  async function exists(queue: string): Promise<boolean> {
    const model = await connectRaw(node.url)
    try {
      const channel = await model.createChannel()
      channel.on('error', () => undefined)
      await channel.checkQueue(queue)
      return true
    } catch {
      return false
    } finally {
      await model.close()
    }
  }

  test('killed with -9 right after its first streams were declared: they are declared anew, the record is there, consumers read it', async (test) => {
    test.skip(isBefore(node.version, [3, 11]), `RabbitMQ ${node.version} cannot even delete them`)
    // RabbitMQ loses the first streams that it ever has, if it is killed within a second.
    const { mq, stream, ids } = await open()
    const cancelled = mq.cancel({ id: 'first', dueAt: soon() })
    await poll(() => exists(stream), { what: 'the stream', intervalMs: 20 })
    await node.kill()
    await node.restart()
    expect(await cancelled).toBe('cancelled')
    expect(await ids()).toContain('first')
    await mq.consume(unique('queue'), [on(note, () => undefined)])
    expect(mq.health().cancellations).toMatchObject({ state: 'live', records: 1 })
  })

  test('killed with -9 between publishes and their confirms: every cancellation resolves, and every record is there', async () => {
    const { mq, ids } = await open()
    await mq.cancel({ id: 'first', dueAt: soon() })
    let [written, confirmed, isOver] = [0, 0, false]
    const worker = async () => {
      while (!isOver) {
        await mq.cancel({ id: String(written++), dueAt: soon() })
        confirmed++
      }
    }
    const workers = Array.from({ length: 300 }, worker)
    await poll(() => confirmed > 5000, { what: 'many confirms' })
    await node.kill()
    const before = confirmed
    await node.restart()
    await poll(() => confirmed > before + 5000, { what: 'more confirms', timeoutMs: 60_000 })
    isOver = true
    await Promise.all(workers)
    expect(confirmed).toBe(written)
    const all = await ids()
    expect(Array.from({ length: written }, (_, n) => String(n)).filter((id) => !all.has(id))).toEqual([])
  })

  test('killed with -9 right after the first confirm of a new namespace: the record is there', async () => {
    const { mq, ids } = await open()
    expect(await mq.cancel({ id: 'first', dueAt: soon() })).toBe('cancelled')
    await node.kill()
    await node.restart()
    await mq.cancel({ id: 'second', dueAt: soon() })
    expect(await ids()).toEqual(new Set(['first', 'second']))
  })
})

function fail(error: Error): void {
  throw error
}
