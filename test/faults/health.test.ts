import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { connect, type Dueque } from '../../src/index.js'
import { poll, startNode } from '../support/broker.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'

const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined

describe.skipIf(noNode)('a private broker (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let node: PrivateNode
  let mq: Dueque
  const queue = unique('health')
  beforeAll(async () => {
    node = (await startNode({ management: false }))!
    mq = await connect({ url: node.url, publishTimeoutMs: 60_000 })
  })
  afterAll(async () => {
    await mq.close({ drainTimeoutMs: 1000 })
    await node.stop()
  })
  const becomes = (wanted: object, what: string) =>
    poll(
      () => (Object.entries(wanted).every(([name, value]) => mq.health()[name as 'ok'] === value) ? true : undefined),
      {
        what: `${what}, ${JSON.stringify(wanted)}`,
        timeoutMs: 60_000,
      },
    )

  test('health is down while the broker is away, and up when it and the consumer are back', async () => {
    await Recorder.on(mq, queue)
    // Its confirm means that the queue is old enough to survive the kill.
    await scheduleNotes(mq, queue, [0])
    const before = mq.health()
    expect(before).toMatchObject({ ok: true, producer: 'up', consumer: 'up' })
    await node.kill()
    await becomes({ ok: false, producer: 'down', consumer: 'down' }, 'down')
    const away = mq.health()
    expect(away.since > before.since).toBe(true)
    expect(away.broker).toEqual({ product: 'RabbitMQ', version: node.version })
    const waiting = mq.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
    await poll(() => mq.health().waitingForConfirm === 1, { what: 'the message to be counted' })
    await node.restart()
    await waiting
    await becomes({ ok: true, producer: 'up', consumer: 'up', waitingForConfirm: 0 }, 'up again')
    expect(mq.health().since > away.since).toBe(true)
  }, 120_000)

  test('health reports that the broker accepts no messages, and why', async () => {
    await node.ctl('set_vm_memory_high_watermark', '0.000001')
    // The broker reports it at the first publish.
    const blocked = mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
    await becomes({ ok: false, producer: 'blocked', consumer: 'up' }, 'blocked')
    expect(mq.health()).toMatchObject({
      blockedBy: expect.stringContaining('memory') as string,
      waitingForConfirm: 1,
    })
    await node.ctl('set_vm_memory_high_watermark', '0.6')
    await blocked
    await becomes({ ok: true, producer: 'up', blockedBy: undefined }, 'up again')
  }, 120_000)
})
