import { expect, it, onTestFinished } from 'vitest'
import type { Arrival } from '../../../src/broker.js'
import { DuequeError } from '../../../src/index.js'
import { readMark } from '../../../src/recurring/ticker-marks.js'
import { Ticker } from '../../../src/recurring/ticker.js'
import { arrivalOf } from './arrival.js'
import { definitionOf } from './definition-of.js'
import { handlingWorld, HOUR, settled, START, TICKS } from './world.js'

const SCHEDULES = ['one', 'two', 'three', 'later'].map((id) => definitionOf({ id, revision: 1, from: START }))

/** A ticker that has started, and notes what it does with its subscription and its messages. */
async function world() {
  const { strategy, definitions, clock, logger, ids } = handlingWorld(SCHEDULES)
  const log: string[] = []
  const errors: DuequeError[] = []
  const note = (what: string) => () => Promise.resolve(void log.push(what))
  const ticker = new Ticker({
    ...{ strategy, definitions, clock, logger, queue: TICKS, hooks: undefined },
    onError: (error) => errors.push(error),
    publish: (message) => note(readMark(message)!.kind)(),
  })
  let deliver: (arrival: Arrival) => void = () => undefined
  let startAgain = () => undefined as void
  await ticker.start((listener, started) => {
    deliver = listener
    startAgain = started
    started()
    return Promise.resolve({
      ...{ pause: note('pause'), resume: note('resume') },
      ...{ cancel: note('cancel'), close: note('close') },
    })
  })
  onTestFinished(() => ticker.close(0))
  const arriveAs = async (name: string, body: object) => {
    const arrival = arrivalOf(log, name, JSON.stringify(body))
    deliver(arrival)
    await settled()
    return arrival
  }
  /** The tick of a schedule arrives. */
  const arrive = (id: string) => arriveAs(id, { id, revision: 1, time: START })
  const advance = async (ms: number, stepMs = ms) => {
    for (let done = 0; done < ms; done += stepMs) {
      clock.advance(stepMs)
      await settled()
    }
  }
  return { ticker, arrive, arriveAs, log, errors, clock, advance, definitions, ids, startAgain: () => startAgain() }
}

it('steps back once for all the ticks that its user may not handle, and gives each of them back at once', async () => {
  const { ticker, arrive, log, errors, advance, definitions } = await world()
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'read', resource: 'stream' })
  definitions.get = () => Promise.reject(denied)
  // The second and the third were sent before the subscription rested.
  for (const id of ['one', 'two', 'three']) await arrive(id)
  expect(log).toEqual(['hello', 'pause', 'requeue one', 'requeue two', 'requeue three'])
  expect([ticker.isAway, ticker.steppedBackAt]).toEqual([true, START])
  await advance(30_000)
  expect(log.slice(5)).toEqual(['resume', 'hello'])
  expect([ticker.isAway, ticker.steppedBackAt]).toEqual([false, START])
  await arrive('later')
  expect(log.slice(7)).toEqual(['pause', 'requeue later'])
  // Of the tick, and that it has stepped back: each once.
  const told = errors.filter(({ message }) => message.includes('leaves recurring messages to those of other processes'))
  expect(told).toMatchObject([{ code: 'PERMISSION_DENIED', cause: denied }])
})

it('ends its rest when its subscription starts on another connection', async () => {
  const { ticker, arrive, log, definitions, startAgain } = await world()
  definitions.get = () =>
    Promise.reject(new DuequeError('PERMISSION_DENIED', 'no', { permission: 'read', resource: 'stream' }))
  await arrive('one')
  expect([log.slice(1), ticker.isAway]).toEqual([['pause', 'requeue one'], true])
  startAgain()
  await settled()
  expect([log.slice(3), ticker.isAway]).toEqual([['hello', 'resume', 'hello'], false])
})

it('steps back when nothing has succeeded for a minute, and is as before once something succeeds', async () => {
  const { ticker, arrive, log, errors, advance, definitions } = await world()
  const get = definitions.get.bind(definitions)
  const away = new DuequeError('STORE_ERROR', 'away', { store: 'redis' })
  definitions.get = () => Promise.reject(away)
  for (const id of ['one', 'two']) await arrive(id)
  await advance(59_000, 1000)
  expect(log).toEqual(['hello'])
  await advance(7000, 1000)
  expect(log.slice(1).sort()).toEqual(['pause', 'requeue one', 'requeue two'])
  expect(
    errors.map(({ message }) => message).filter((text) => text.includes('nothing succeeded for 60 s')),
  ).toHaveLength(1)
  expect(ticker.isAway).toBe(true)
  await advance(30_000, 1000)
  definitions.get = get
  await arrive('one')
  expect(log.slice(4)).toEqual(['resume', 'hello', 'ack one'])
  expect([ticker.isAway, ticker.steppedBackAt]).toEqual([false, undefined])
})

it('sends a tick that fails alone again, for a while later, so that it keeps no other from coming', async () => {
  const { arrive, log, definitions, ids, ticker } = await world()
  const get = definitions.get.bind(definitions)
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'write', resource: 'exchange' })
  definitions.get = (id, least) => (id === 'two' ? Promise.reject(denied) : get(id, least))
  await arrive('one')
  const before = ids().length
  await arrive('two')
  expect(log).toEqual(['hello', 'ack one', 'ack two'])
  expect([ids().length - before, ticker.isAway]).toEqual([1, false])
})

it('lets another ticker have the queue, without a rest, for what it cannot read', async () => {
  const { ticker, arrive, arriveAs, log, advance } = await world()
  await arriveAs('strange', { format: 2 })
  await arrive('one')
  await advance(29_999)
  expect(log).toEqual(['hello', 'ack one'])
  await advance(1)
  expect(log.slice(2).sort()).toEqual(['hello', 'pause', 'requeue strange', 'resume'])
  expect([ticker.isAway, ticker.steppedBackAt]).toEqual([false, undefined])
})

it('handles a tick again that it had handled before another ticker sent every missing one', async () => {
  const { arrive, arriveAs, ids } = await world()
  const bookmark = await arriveAs('bookmark', { bookmark: true, repairedAt: START })
  await arrive('one')
  const before = ids()
  await arrive('one')
  expect(ids()).toEqual(before)
  // Its connection was lost, and the virtual host with it.
  bookmark.live = false
  await arriveAs('bookmark', { bookmark: true, repairedAt: START + 1 })
  await arrive('one')
  expect(ids()).toEqual([...before, ...before])
})

it('schedules the times that a clock that was ahead has passed over', async () => {
  const { arrive, arriveAs, log, clock, ids } = await world()
  await arriveAs('bookmark', { bookmark: true, repairedAt: START })
  clock.set(new Date(START + 24 * HOUR))
  await arrive('one')
  expect(log.slice(1)).toEqual(['ack one'])
  clock.set(new Date(START + 1))
  await settled()
  expect(
    ids()
      .filter((id) => id.startsWith('one@'))
      .at(-1),
  ).toBe('one@2026-01-01T01:00:00.000Z#tick')
})
