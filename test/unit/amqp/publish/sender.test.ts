import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { AmqpConnection } from '../../../../src/amqp/connection/connection.js'
import { STATE } from '../../../../src/amqp/publish/publication.js'
import { Sender } from '../../../../src/amqp/publish/sender.js'
import { Unsettled } from '../../../../src/amqp/publish/unsettled.js'
import { publication } from './publication-fixture.js'

/** A channel that confirms every publish, on an open connection. */
class ConfirmingChannel extends EventEmitter {
  sent = 0

  get connection(): AmqpConnection {
    const model = { createConfirmChannel: () => Promise.resolve(this) }
    const whenUp = (listener: (up: unknown) => void) => {
      listener(model)
      return () => undefined
    }
    return { model, whenUp } as unknown as AmqpConnection
  }

  publish(_exchange: string, _key: string, _body: Buffer, _options: object, answer: (error: null) => void): boolean {
    this.sent++
    setImmediate(answer, null)
    return true
  }
}

/** @param heldMs how long each confirm is held, if it is */
async function sentOnce(channel: ConfirmingChannel, unsettled: Unsettled, heldMs: readonly number[]) {
  const confirms = [...heldMs]
  const sender = new Sender(channel.connection, unsettled, {
    topology: { epoch: 0, returned: () => undefined },
    settle: (settled) => unsettled.settle(settled),
  })
  const plan = {
    prepare: () => ({ exchange: 'e', routingKey: '', options: {} }),
    safeAt: () => performance.now() + (confirms.shift() ?? -1),
  }
  const one = publication({ plan })
  unsettled.add(one)
  await expect.poll(() => channel.listenerCount('return')).toBe(1)
  await expect.poll(() => (sender.pump(), confirms.length)).toBe(0)
  return one
}

it('lets go of a publication whose confirm is held back more than once', async () => {
  const [channel, unsettled] = [new ConfirmingChannel(), new Unsettled(10)]
  // A timer of Node may fire a millisecond early, and the confirm is then held once more.
  const one = await sentOnce(channel, unsettled, [2, 2, 2])
  await expect.poll(() => one.state).toBe(STATE.settled)
  expect([...unsettled.deferred]).toEqual([])
})

it('sends a publication again once when the channel is lost, however often its confirm was held back', async () => {
  const [channel, unsettled] = [new ConfirmingChannel(), new Unsettled(10)]
  const one = await sentOnce(channel, unsettled, [2, 2, 5000])
  await pause(5)
  expect(one.state).toBe(STATE.held)
  channel.emit('close')
  await expect.poll(() => one.state).toBe(STATE.settled)
  expect([channel.sent, unsettled.count, unsettled.inFlight.size]).toEqual([2, 0, 0])
})

it('sends what a plan publishes in its turn, however many do so', async () => {
  const [channel, unsettled] = [new ConfirmingChannel(), new Unsettled(50_000)]
  const sender = new Sender(channel.connection, unsettled, {
    topology: { epoch: 0, returned: () => undefined },
    settle: (settled) => unsettled.settle(settled),
  })
  const frame = { exchange: 'e', routingKey: '', options: {} }
  const safeAt = () => 0
  const prepare = () => {
    unsettled.add(publication({ plan: { prepare: () => frame, safeAt } }))
    sender.pump()
    return frame
  }
  for (let i = 0; i < 10_000; i++) unsettled.add(publication({ plan: { prepare, safeAt } }))
  await expect.poll(() => unsettled.count).toBe(0)
  expect(channel.sent).toBe(20_000)
})
