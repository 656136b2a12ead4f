import { expect, it } from 'vitest'
import { Gate } from '../../../src/cancellation/gate.js'
import { settled, world } from './world.js'

const nothing = () => undefined

it('while the gate is closed no handler starts, and when it opens all start at once', async () => {
  const gate = new Gate()
  const { arrive, log, consumer } = await world(nothing, { gate })
  await arrive('before')
  gate.close()
  for (const id of ['a', 'b', 'c']) await arrive(id)
  expect([log, consumer.stats().handled]).toEqual([['before'], 1])
  gate.open()
  expect(log).toEqual(['before'])
  await settled()
  expect([log, consumer.stats().handled]).toEqual([['before', 'a', 'b', 'c'], 4])
})

it('a gate that is closed before the consumer starts holds its first messages', async () => {
  const gate = new Gate()
  gate.close()
  const { arrive, log } = await world(nothing, { gate })
  await arrive('a')
  expect(log).toEqual([])
  gate.open()
  await settled()
  expect(log).toEqual(['a'])
})

it('running handlers end while the gate is closed, and no others start in their place', async () => {
  const gate = new Gate()
  let finish = nothing as () => void
  const { arrive, log, consumer } = await world(
    ({ id }) => (id === 'first' ? new Promise<void>((resolve) => (finish = resolve)) : undefined),
    { gate },
    { concurrency: 1 },
  )
  await arrive('first')
  await arrive('second')
  gate.close()
  finish()
  await settled()
  expect([log, consumer.stats()]).toMatchObject([['first'], { handled: 1, running: 0 }])
  gate.open()
  await settled()
  expect(log).toEqual(['first', 'second'])
})

it('early messages stay held while the gate is closed, and are handled when it opens after they are due', async () => {
  const gate = new Gate()
  const { arrive, log, consumer, clock } = await world(nothing, { gate })
  gate.close()
  await arrive('early', { dueAt: clock.now() + 1000 })
  expect(consumer.stats().held).toBe(1)
  clock.advance(1000)
  await settled()
  expect([log, consumer.stats().held]).toEqual([[], 0])
  gate.open()
  await settled()
  expect(log).toEqual(['early'])
})

it('a copy of a message that waits at the gate is suppressed after that one is handled', async () => {
  const gate = new Gate()
  gate.close()
  const { arrive, log, consumer } = await world(nothing, { gate })
  await arrive('a')
  await arrive('a')
  gate.open()
  await settled()
  expect([log, consumer.stats()]).toMatchObject([['a'], { handled: 1, suppressed: 1 }])
})

it('close requeues everything while the gate is closed, and a later opening starts nothing', async () => {
  const gate = new Gate()
  gate.close()
  const { arrive, log, consumer, broker, clock } = await world(nothing, { gate })
  await arrive('ready')
  await arrive('early', { dueAt: clock.now() + 1000 })
  await consumer.close()
  gate.open()
  await settled()
  expect(log).toEqual([])
  expect(broker.messages('orders').map(({ properties }) => properties['messageId'])).toEqual(
    expect.arrayContaining(['ready', 'early']),
  )
  expect(broker.messages('orders')).toHaveLength(2)
})

it('opening an open gate notifies nobody', () => {
  const gate = new Gate()
  let opened = 0
  const remove = gate.onOpen(() => opened++)
  gate.open()
  expect([gate.isOpenFor(0), opened]).toEqual([true, 0])
  gate.close()
  expect(gate.isOpenFor(0)).toBe(false)
  gate.open()
  remove()
  gate.close()
  gate.open()
  expect(opened).toBe(1)
})

it('a message that the check refuses waits until it is asked again, and a later one waits behind it', async () => {
  let answeredAt = 0
  const gate = new Gate((readyAt) => readyAt <= answeredAt)
  const { arrive, log, clock } = await world(nothing, { gate })
  await arrive('a', { dueAt: clock.now() })
  await arrive('b', { dueAt: 1 })
  expect(log).toEqual([])
  answeredAt = clock.now()
  gate.recheck()
  await settled()
  expect(log).toEqual(['a', 'b'])
})
