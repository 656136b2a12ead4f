import { expect, it, vi } from 'vitest'
import { Fifo } from '../../../../src/base/fifo.js'
import { DuequeError } from '../../../../src/base/errors.js'
import { resolveLogger } from '../../../../src/base/logger.js'
import { Gate } from '../../../../src/cancellation/gate.js'
import { ItemArrival, type BatchOfItem } from '../../../../src/consumer/batches/item-arrival.js'
import { Spill, takeLate } from '../../../../src/consumer/batches/spill.js'
import { FOLLOWING, HELD, incomingOf, READY, type IncomingMessage } from '../../../../src/consumer/incoming-message.js'
import { manualClock } from '../../../../src/index.js'
import { noteItem } from '../../../support/batch-of.js'
import { settled } from '../world.js'
import { batchWorld, gated, ids } from './world.js'

/** Handlers that end when they are told to, one at a time. */
async function slowWorld(more: Parameters<typeof batchWorld>[2] = {}) {
  const { handle, end } = gated()
  const it = await batchWorld(handle, { concurrency: 1, prefetch: 2 }, more)
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      it.clock.advance(250)
      await settled()
    }
  }
  /** Two messages that use up the prefetch, so that others stay in the queue. */
  const occupy = async () => {
    for (const id of ['running', 'next']) await it.arrive(id)
  }
  return { ...it, end, pass, occupy }
}

it('items whose handlers have not started for a second are published singly', async () => {
  const { arriveTogether, occupy, pass, singles, log, consumer, batches, end } = await slowWorld()
  await occupy()
  await arriveTogether(ids('a', 'b', 'c', 'd', 'e'))
  await pass(750)
  expect(singles()).toEqual([])
  await pass(250)
  // Two at a time, the last ones first.
  expect(singles()).toEqual(['d', 'e', 'b', 'c', 'a'])
  for (const id of ['running', 'next', 'd', 'e', 'b', 'c', 'a']) await end(id)
  await consumer.close()
  expect([log, batches()]).toEqual([['running', 'next', 'd', 'e', 'b', 'c', 'a'], 0])
  expect(consumer.stats()).toMatchObject({ handled: 7, suppressed: 0 })
})

it('items that start within a second at the present pace stay', async () => {
  const { arriveTogether, pass, strategy, end } = await slowWorld()
  const schedule = vi.spyOn(strategy, 'schedule')
  const all = 'a b c d e f g h i j k l'.split(' ')
  await arriveTogether(ids(...all))
  for (const id of all.slice(0, 3)) {
    await pass(250)
    await end(id)
  }
  await pass(250)
  // The fourth is running, four more start within a second.
  expect(schedule.mock.calls.map(([{ id }]) => id).sort()).toEqual(['i', 'j', 'k', 'l'])
})

it('nothing is published singly while the gate is closed', async () => {
  const gate = new Gate()
  const { arriveTogether, occupy, pass, singles, log } = await slowWorld({ gate })
  await occupy()
  gate.close()
  await arriveTogether(ids('a', 'b', 'c'))
  await pass(2000)
  expect(singles()).toEqual([])
  gate.open()
  await pass(250)
  expect(singles()).toHaveLength(3)
  expect(log).toEqual(['running'])
})

it('nothing is published singly while the producer is blocked', async () => {
  const { arriveTogether, occupy, pass, singles, broker } = await slowWorld()
  await occupy()
  const health = vi.spyOn(broker, 'health').mockReturnValue({ ...broker.health(), producer: 'blocked' })
  await arriveTogether(ids('a', 'b', 'c'))
  await pass(2000)
  expect(singles()).toEqual([])
  health.mockRestore()
  await pass(250)
  expect(singles()).toHaveLength(3)
})

it('early items, and those of a single consumer that is fast enough, are never published singly', async () => {
  const { arriveTogether, pass, strategy, end, log } = await slowWorld()
  const schedule = vi.spyOn(strategy, 'schedule')
  await arriveTogether([{ id: 'a' }, { id: 'b', in: 3000 }])
  await end('a')
  await pass(3000)
  expect(log).toEqual(['a', 'b'])
  expect(schedule).not.toHaveBeenCalled()
})

it('an item that is cancelled by then is dropped, and one that cannot be sent by itself is dead', async () => {
  const isCancelled = ({ id }: { id?: string | undefined }) => id === 'cancelled'
  const { arriveTogether, occupy, pass, strategy, consumer, dead, batches, end } = await slowWorld({ isCancelled })
  const refused = new DuequeError('NOT_ENCODABLE', 'no such header', {})
  vi.spyOn(strategy, 'schedule').mockRejectedValue(refused)
  await occupy()
  await arriveTogether(ids('cancelled', 'refused'))
  await pass(1000)
  expect(consumer.stats()).toMatchObject({ cancelled: 1, dead: 1 })
  expect(dead()).toMatchObject([
    {
      properties: { messageId: 'refused' },
      headers: {
        'dueque-dead-reason': 'dead-lettered',
        'dueque-dead-error': 'the item of a batch cannot be sent by itself: no such header',
      },
    },
  ])
  for (const id of ['running', 'next']) await end(id)
  await consumer.close()
  expect(batches()).toBe(0)
})

const NO_BATCH: BatchOfItem = {
  live: true,
  ack: () => undefined,
  requeue: () => undefined,
  leave: () => Promise.resolve(false),
}

function incoming(id: string, readySince: number, state: IncomingMessage['state'] = READY): IncomingMessage {
  const arrival = new ItemArrival(noteItem('q', 0, 0, { id }), 0, { exchange: '', redelivered: false }, NO_BATCH)
  return { ...incomingOf(arrival, readySince), state }
}

it('of ready messages, only unclaimed items of batches that are late are taken', () => {
  const ready = new Fifo<IncomingMessage>()
  const claim: IncomingMessage['state'] = {
    kind: 'claimed',
    key: '',
    print: new Int32Array(),
    owner: {},
    followers: [],
  }
  const single = { ...incoming('single', 0), arrival: { ...incoming('single', 0).arrival } as never }
  const rest = [incoming('claimed', 0, claim), incoming('held', 0, HELD), incoming('following', 0, FOLLOWING)]
  const all = [incoming('first', 0), incoming('late', 10), incoming('new', 11), single, ...rest, incoming('last', 5)]
  for (const one of all) ready.push(one)
  const take = (most: number) => takeLate(ready, { keep: 1, since: 10, most }).map(({ envelope: { id } }) => id)
  expect([take(1), take(5), take(5)]).toEqual([['last'], ['late'], []])
  expect(ready.length).toBe(all.length - 2)
})

it('an item that could not be published is ready again', async () => {
  const clock = manualClock(0)
  const late = [incoming('a', 0)]
  const returned: unknown[] = []
  const spill = new Spill({
    ...{ queue: 'q', clock, logger: resolveLogger(false), concurrency: 1 },
    ...{ most: () => 1, isOpen: () => true, canSend: () => true, started: () => 0 },
    take: () => late.splice(0),
    returned: ({ envelope: { id } }) => void returned.push(id),
  })
  spill.watch()
  clock.advance(250)
  await settled()
  expect(returned).toEqual(['a'])
  spill.stop()
  expect(clock.next()).toBe(Infinity)
})
