import { expect, it, onTestFinished } from 'vitest'
import type { Arrival } from '../../../src/broker.js'
import { DuequeError } from '../../../src/index.js'
import { readMark } from '../../../src/recurring/ticker-marks.js'
import { Ticker } from '../../../src/recurring/ticker.js'
import { handlingWorld, settled, START, TICKS } from './world.js'

/** A ticker that has started, and notes what it does with its subscription and its messages. */
async function world() {
  const { strategy, definitions, clock, logger } = handlingWorld([])
  const log: string[] = []
  const note = (what: string) => () => Promise.resolve(void log.push(what))
  const ticker = new Ticker({
    ...{ strategy, definitions, clock, logger, queue: TICKS, hooks: undefined },
    onError: () => undefined,
    publish: (message) => note(readMark(message)!.kind)(),
  })
  let deliver: (arrival: Arrival) => void = () => undefined
  await ticker.start((listener, started) => {
    deliver = listener
    started()
    return Promise.resolve({
      ...{ pause: note('pause'), resume: note('resume') },
      ...{ cancel: note('cancel'), close: note('close') },
    })
  })
  onTestFinished(() => ticker.close(0))
  /** The tick of a schedule arrives. */
  const arrive = async (id: string) => {
    deliver({
      ...{ body: Buffer.from(JSON.stringify({ id, revision: 1, time: START })), properties: {}, headers: {} },
      ...{ exchange: '', routingKey: TICKS, redelivered: false, live: true, abandoned: 0 },
      ack: () => log.push(`ack ${id}`),
      requeue: () => log.push(`requeue ${id}`),
    })
    await settled()
  }
  return { arrive, log, clock, definitions }
}

it('steps back once for all the ticks that its user may not handle, and gives each of them back at once', async () => {
  const { arrive, log, clock, definitions } = await world()
  const denied = new DuequeError('PERMISSION_DENIED', 'no', { permission: 'read', resource: 'stream' })
  definitions.get = () => Promise.reject(denied)
  // The second and the third were sent before the subscription rested.
  for (const id of ['one', 'two', 'three']) await arrive(id)
  expect(log).toEqual(['hello', 'pause', 'requeue one', 'requeue two', 'requeue three'])
  clock.advance(30_000)
  await settled()
  expect(log.slice(5)).toEqual(['resume', 'hello'])
  await arrive('later')
  expect(log.slice(7)).toEqual(['pause', 'requeue later'])
})
