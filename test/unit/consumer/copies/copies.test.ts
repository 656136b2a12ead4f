import { expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { HEADER } from '../../../../src/message/headers.js'
import {
  connect,
  defineMessage,
  memory,
  on,
  type Arrival,
  type Broker,
  type ConsumeOptions,
  type Handler,
} from '../../../../src/index.js'

const order = defineMessage('order', z.number())
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 5))

/** A consumer to which the test delivers messages, as a broker does before and after a lost connection. */
async function world(handle: Handler['handle'], options: ConsumeOptions = {}) {
  const log: string[] = []
  let listener: ((arrival: Arrival) => void) | undefined
  const { broker, ...rest } = memory()
  const taps: Partial<Broker> = {
    subscribe: (_, __, on) => {
      listener = on
      const done = () => Promise.resolve()
      return Promise.resolve({ pause: done, resume: done, cancel: done, close: done })
    },
  }
  const mq = await connect({ strategy: { ...rest, broker: Object.assign(broker, taps) } })
  onTestFinished(() => mq.close({ drainTimeoutMs: 0 }))
  const handler = on(order, (delivery) => {
    log.push(`handled ${delivery.id}`)
    return (handle as (delivery: object) => unknown)(delivery)
  })
  const another = () => mq.consume('orders', [handler], options)
  const consumer = await another()
  let live = true
  /** A message with the same id is a copy. */
  const arrive = (id: string, dueAt = 1) => {
    const mine = { live: true }
    listener!({
      body: Buffer.from('1'),
      properties: { messageId: id, type: 'order' },
      headers: { [HEADER.due]: dueAt, [HEADER.revision]: 1, [HEADER.attempt]: 1 },
      exchange: '',
      routingKey: 'orders',
      abandoned: 0,
      redelivered: false,
      get live() {
        return live && mine.live
      },
      ack: () => void log.push(`ack ${id}`),
      requeue: () => void log.push(`requeue ${id}`),
    })
    return mine
  }
  return { mq, broker, consumer, another, arrive, log, lose: () => (live = false) }
}

it('a copy of a running message does not take the slot of another message', async () => {
  const { arrive, log, consumer } = await world(
    ({ id }) => (id === 'slow' ? new Promise(() => undefined) : undefined),
    {
      concurrency: 2,
    },
  )
  for (let n = 0; n < 5; n++) arrive('slow')
  arrive('other')
  await settled()
  expect(log).toEqual(['handled slow', 'handled other', 'ack other'])
  expect(consumer.stats().running).toBe(1)
})

it('a waiting copy is handled if the first one failed, and not after the consumer closed', async () => {
  const { arrive, log, consumer } = await world(
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
  )
  arrive('a')
  arrive('a')
  await settled()
  await consumer.close({ drainTimeoutMs: 5 })
  await settled()
  expect(log).toEqual(['handled a', 'requeue a', 'requeue a'])
})

it('a copy that waits while the consumer closes is settled with the first one', async () => {
  let finish: (() => void) | undefined
  const { arrive, log, consumer } = await world(() => new Promise<void>((resolve) => (finish = resolve)))
  arrive('a')
  arrive('a')
  await settled()
  const closed = consumer.close()
  await settled()
  finish!()
  await closed
  expect(log.toSorted()).toEqual(['ack a', 'ack a', 'handled a'])
  expect(consumer.stats()).toMatchObject({ handled: 1, suppressed: 1 })
})

it('a copy at another or a later consumer of the queue is not handled', async () => {
  const { arrive, log, another } = await world(() => undefined)
  arrive('a')
  await settled()
  const second = await another()
  arrive('a')
  await settled()
  await second.close()
  await another()
  arrive('a')
  await settled()
  expect(log).toEqual(['handled a', 'ack a', 'ack a', 'ack a'])
})

it('a message that a closed consumer abandoned is handled once by another one', async () => {
  const { arrive, log, consumer, another } = await world(() => (log.length === 1 ? new Promise(() => undefined) : 0))
  arrive('a')
  await settled()
  await another()
  arrive('a')
  await settled()
  expect(log).toEqual(['handled a'])
  await consumer.close({ drainTimeoutMs: 5 })
  await settled()
  expect(log).toEqual(['handled a', 'handled a', 'ack a'])
})

it('a move to the dead queue is one publish, however long it takes', async () => {
  const { arrive, broker } = await world(() => {
    throw new Error('no room')
  })
  const bury = vi.spyOn(broker, 'bury')
  arrive('a')
  await settled()
  expect(bury.mock.lastCall?.at(3)).toMatchObject({ timeoutMs: Infinity })
})

it('a message that arrives while the consumer closes is requeued once', async () => {
  const { arrive, log, consumer } = await world(() => undefined)
  const closed = consumer.close()
  arrive('late')
  await closed
  expect(log).toEqual(['requeue late'])
})

it('a held message that the broker took back is not handled when it is due', async () => {
  const { arrive, broker, log } = await world(() => undefined)
  const message = arrive('far', Date.now() + 40)
  message.live = false
  await new Promise((resolve) => setTimeout(resolve, 80))
  expect([log, broker.messages('orders')]).toEqual([[], []])
})

it('close waits for a move to the dead queue', async () => {
  const { arrive, broker, log, consumer } = await world(() => {
    throw new Error('no room')
  })
  let confirm: (() => void) | undefined
  broker.bury = () => new Promise<void>((resolve) => (confirm = resolve))
  arrive('a')
  await settled()
  let isClosed = false
  const closed = consumer.close({ drainTimeoutMs: 5 }).then(() => (isClosed = true))
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(isClosed).toBe(false)
  confirm!()
  await closed
  expect(log).toEqual(['handled a', 'ack a'])
})

it('a failed move to the dead queue is repeated, and the handler is not', async () => {
  const { arrive, broker, log } = await world(() => {
    throw new Error('no room')
  })
  let tries = 0
  broker.bury = () => (++tries < 2 ? Promise.reject(new Error('away')) : Promise.resolve())
  arrive('a')
  await expect.poll(() => log, { timeout: 5000 }).toEqual(['handled a', 'ack a'])
  expect(tries).toBe(2)
})

it('consume stops waiting for a broker when dueque is closed', async () => {
  const { mq, broker } = await world(() => undefined)
  broker.subscribe = () => new Promise(() => undefined)
  const starting = mq.consume('others', [on(order, () => undefined)]).catch((error: unknown) => error)
  await mq.close({ drainTimeoutMs: 5 })
  expect(await starting).toMatchObject({ code: 'CLOSED' })
})
