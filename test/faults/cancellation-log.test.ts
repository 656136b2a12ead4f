import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectRaw } from 'amqplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { Names } from '../../src/amqp/topology/names.js'
import { decodeRecords } from '../../src/cancellation/record.js'
import { connect, on, type ConnectOptions } from '../../src/index.js'
import { HORIZONS } from '../../src/log/horizons.js'
import { cancellationLayout } from '../../src/log/log-layout.js'
import { note, unique } from '../strategies/recorder.js'
import { awaitedLater } from '../support/awaited-later.js'
import { poll, startNode } from '../support/broker.js'
import { failure } from '../support/mq.js'
import { streamMessages } from '../support/stream-messages.js'
import { hideQueue, loseStreams, setQueueState } from '../support/stream-states.js'
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

  async function open(options: Omit<ConnectOptions, 'strategy'> = {}) {
    const namespace = options.namespace ?? unique('log')
    const mq = await connect({ url: node.url, publishTimeoutMs: 120_000, ...options, namespace })
    onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    const layout = cancellationLayout(new Names(namespace))
    const stream = layout.stream(HORIZONS[0]!)
    const ids = async () => {
      const messages = await streamMessages(node.url, stream)
      return new Set(messages.flatMap(({ content }) => decodeRecords(content, fail).map(({ id }) => id)))
    }
    return { mq, namespace, layout, stream, ids }
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
    const workers = awaitedLater(Array.from({ length: 300 }, worker))
    onTestFinished(() => void (isOver = true))
    await poll(() => confirmed > 5000, { what: 'many confirms' })
    await node.kill()
    const before = confirmed
    await node.restart()
    const goesOn = poll(() => confirmed > before + 5000, { what: 'more confirms', timeoutMs: 120_000 })
    await Promise.race([goesOn, workers])
    isOver = true
    await workers
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

  describe('a stream that is away for a moment, as after a restart', () => {
    test('is waited for by consumers that start and by cancellations, also where nothing is declared', async () => {
      const { mq, namespace, stream, ids } = await open()
      const queue = unique('queue')
      await mq.consume(queue, [on(note, () => undefined)])
      const modes = ['declare', 'trust'] as const
      const others = await Promise.all(modes.map((topology) => open({ namespace, topology })))
      await setQueueState(node, stream, 'crashed')
      const started = awaitedLater(others.map((other) => other.mq.consume(queue, [on(note, () => undefined)])))
      const cancelled = awaitedLater(others.map((other, n) => other.mq.cancel({ id: modes[n]!, dueAt: soon() })))
      await setQueueState(node, stream, 'live')
      await started
      for (const other of others) expect(other.mq.health().cancellations).toMatchObject({ state: 'live' })
      expect(await cancelled).toEqual(['cancelled', 'cancelled'])
      expect(await ids()).toEqual(new Set(modes))
    })

    test('is waited for by a cancellation that RabbitMQ 3.10 returns, also where nothing is declared', async (test) => {
      test.skip(!isBefore(node.version, [3, 11]), `RabbitMQ ${node.version} does not return it`)
      const { mq, namespace, stream, ids } = await open()
      await mq.cancel({ id: 'first', dueAt: soon() })
      const { mq: trusting } = await open({ namespace, topology: 'trust' })
      const isBack = awaitedLater([hideQueue(node, stream, 1500)])
      await poll(async () => !(await exists(stream)), { what: 'the stream to be away' })
      const cancelled = [mq, trusting].map((one, n) => one.cancel({ id: String(n), dueAt: soon() }))
      expect(await Promise.all(cancelled)).toEqual(['cancelled', 'cancelled'])
      await isBack
      expect(await ids()).toEqual(new Set(['first', '0', '1']))
    })

    test('fails a cancellation within its time limit, in the words of RabbitMQ, if it stays away', async () => {
      const { mq: first, namespace, stream } = await open()
      await first.cancel('first')
      await setQueueState(node, stream, 'crashed')
      onTestFinished(() => setQueueState(node, stream, 'live'))
      const { mq } = await open({ namespace, publishTimeoutMs: 3000 })
      const before = performance.now()
      expect(await failure(mq.cancel('second'))).toMatchObject({
        code: 'BROKER_ERROR',
        outcome: 'refused',
        message: expect.stringContaining('has crashed') as string,
      })
      expect(performance.now() - before).toBeGreaterThan(2000)
      expect(performance.now() - before).toBeLessThan(10_000)
    })
  })

  describe('a lost stream', () => {
    test('that several processes find in the same moment keeps every confirmed cancellation', async (test) => {
      test.skip(isBefore(node.version, [3, 11]), `RabbitMQ ${node.version} cannot delete it`)
      const { mq, namespace, stream, ids } = await open()
      const others = await Promise.all(Array.from({ length: 7 }, () => open({ namespace })))
      const all = [mq, ...others.map((one) => one.mq)]
      for (const one of all) await one.cancel({ id: 'first', dueAt: soon() })
      await loseStreams(node, [stream])
      const cancelled = all.map((one, n) => one.cancel({ id: String(n), dueAt: soon() }))
      expect(new Set(await Promise.all(cancelled))).toEqual(new Set(['cancelled']))
      expect(await ids()).toEqual(new Set(all.map((_, n) => String(n))))
    })

    test('is mended by one process at a time, and by another when that one dies', async (test) => {
      test.skip(isBefore(node.version, [3, 11]), `RabbitMQ ${node.version} cannot delete it`)
      const warnings: string[] = []
      const ignored = () => undefined
      const warn = (message: string) => void warnings.push(message)
      const { mq, layout, stream, ids } = await open({
        logger: { debug: ignored, info: ignored, warn, error: ignored },
      })
      const isMended = () => warnings.some((message) => message.includes('declared anew'))
      await mq.cancel({ id: 'first', dueAt: soon() })
      await loseStreams(node, [stream])
      const owner = await connectRaw(node.url)
      owner.on('error', ignored)
      onTestFinished(() => owner.close().catch(ignored))
      const lock = { exclusive: true, durable: false }
      await (await owner.createChannel()).assertQueue(layout.lock(HORIZONS[0]!), lock)
      const cancelled = awaitedLater([mq.cancel({ id: 'second', dueAt: soon() })])
      await poll(() => warnings.includes('connection lost'), { what: 'the answer to the record' })
      await pause(1000)
      expect(isMended()).toBe(false)
      await owner.close()
      expect(await cancelled).toEqual(['cancelled'])
      expect([isMended(), await ids()]).toEqual([true, new Set(['second'])])
    })

    test('is declared anew by a consumer that starts', async (test) => {
      test.skip(isBefore(node.version, [3, 11]), `RabbitMQ ${node.version} cannot delete it`)
      const { mq, namespace, layout } = await open()
      await mq.cancel('first')
      await loseStreams(
        node,
        HORIZONS.map((horizon) => layout.stream(horizon)),
      )
      const { mq: second } = await open({ namespace })
      await second.consume(unique('queue'), [on(note, () => undefined)])
      await poll(() => second.health().cancellations?.state === 'live', { what: 'live' })
    })
  })
})

function fail(error: Error): void {
  throw error
}
