import { expect, onTestFinished, test } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { diagnose } from '../../src/operate/doctor/diagnose.js'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { on, type DuequeError } from '../../src/index.js'
import { Recorder, note, unique } from '../strategies/recorder.js'
import { poll, startCluster, startNode } from '../support/broker.js'
import { open } from '../support/mq.js'

const noNodes = process.env['DUEQUE_RABBITMQ_BIN'] === undefined
const why = '(skipped where DUEQUE_RABBITMQ_BIN does not say how to start one)'

test.skipIf(noNodes)(
  `a consumer that reconnects during a memory alarm reads cancellations, and goes on after it ${why}`,
  async () => {
    const node = (await startNode({ management: false }))!
    onTestFinished(() => node.stop())
    const proxy = await TcpProxy.to(node.url)
    onTestFinished(() => proxy.close())
    const [producer, consumer] = [await open(node.url), await open(proxy.url())]
    const queue = unique('alarm')
    const recorder = await Recorder.on(consumer, queue)
    const schedule = (n: number) => producer.schedule(note, { n }, { to: { queue }, in: 8000 })
    const [cancelled] = [await schedule(0), await schedule(1)]
    expect(await producer.cancel(cancelled)).toBe('cancelled')
    await node.ctl('set_vm_memory_high_watermark', '0.000001')
    proxy.cut()
    await poll(() => consumer.health().cancellations?.state === 'reading', { what: 'the cut' })
    await poll(() => consumer.health().cancellations?.state === 'live', { what: 'the tail' })
    // Messages fall due during the alarm.
    await recorder.has(1)
    await node.ctl('set_vm_memory_high_watermark', '0.4')
    await producer.schedule(note, { n: 2 }, { to: { queue }, in: 0 })
    await recorder.has(2)
    expect(recorder.numbers).toEqual([1, 2])
    expect(consumer.health()).toMatchObject({ ok: true, cancellations: { state: 'live' } })
  },
  180_000,
)

test.skipIf(noNodes)(
  `on a node that loses its replica a consumer reports it, and handles or waits, until the replica is back ${why}`,
  async () => {
    const cluster = (await startCluster())!
    onTestFinished(() => cluster.stop())
    const [first, second] = cluster.nodes as [PrivateNode, PrivateNode]
    const [producer, consumer] = [await open(first.url), await open(second.url)]
    const errors: DuequeError[] = []
    consumer.on('error', (error) => void errors.push(error))
    const queues = { handle: unique('handle'), wait: unique('wait') }
    const handling = await Recorder.on(consumer, queues.handle)
    const waiting = await Recorder.on(consumer, queues.wait, { onTailDown: 'wait' })
    const schedule = async (n: number) => {
      for (const queue of Object.values(queues)) await producer.schedule(note, { n }, { to: { queue }, in: 0 })
    }
    await schedule(1)
    await Promise.all([handling.has(1), waiting.has(1)])
    const replica = (action: 'add' | 'delete') =>
      first.ctl(
        'eval',
        `rabbit_stream_queue:${action}_replica(<<"/">>, <<"dueque.v1.cancellations.1h">>, '${second.name}').`,
      )
    await replica('delete')
    await poll(() => errors.length > 0, { what: 'the report', timeoutMs: 120_000 })
    expect(errors[0]).toMatchObject({ code: 'CANCELLATIONS_UNREAD' })
    expect(errors[0]!.message).toContain('dueque.v1.cancellations.1h')
    expect(errors[0]!.message).not.toContain('other properties')
    expect(consumer.health()).toMatchObject({ ok: false, cancellations: { state: 'down' } })
    const told = async () => {
      const here = { url: first.url, management: first.managementUrl, logger: false, roundTrip: false } as const
      const { findings } = await diagnose(here)
      return findings.find(({ code }) => code === 'stream-without-replica')?.what
    }
    await poll(async () => (await told()) !== undefined, { what: 'the finding of doctor', timeoutMs: 60_000 })
    expect(await told()).toContain(`node ${second.name} has no replica of dueque.v1.cancellations.1h`)
    await schedule(2)
    await handling.has(2)
    // It starts, too.
    const late = await consumer.consume(unique('late'), [on(note, () => undefined)])
    await late.close()
    expect(waiting.numbers).toEqual([1])
    await replica('add')
    await waiting.has(2, 60_000)
    expect(consumer.health()).toMatchObject({ ok: true, cancellations: { state: 'live' } })
    expect(errors).toHaveLength(1)
  },
  400_000,
)
