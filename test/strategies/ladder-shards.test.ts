import { expect, test } from 'vitest'
import { ladder } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { AmqpWorld, openWorld } from './amqp-world.js'
import { conformance } from './conformance.js'
import { scheduleNotes, unique } from './recorder.js'

const MINUTE = 60_000

const vhost = useVhost()
const make = () => ladder({ shards: 3 })
conformance({ name: 'ladder with three shards', make }, () => new AmqpWorld(vhost.url, make))

test('the shards of a rung of a minute take turns, and those of a rung of seconds share the load', async () => {
  // Wide, so that the time it takes to declare does not change the rungs.
  const strategy = ladder({ shards: 2, tolerance: () => 10_000 })
  const mq = await open(vhost.url, { strategy, namespace: 'turns' })
  const queue = unique('turns')
  const receipts = await scheduleNotes(mq, queue, Array(6).fill(MINUTE))
  await scheduleNotes(mq, queue, Array(6).fill(MINUTE / 2))

  const odd = receipts.filter(({ dueAt }) => Math.floor(Date.parse(dueAt) / MINUTE - 1) % 2 === 1).length
  const world = openWorld(vhost.url)
  const depths = () =>
    Promise.all(['1m', '1m.1', '30s', '30s.1'].map((rung) => world.depth(`turns.v1.wait.${rung}`).catch(() => 0)))
  await poll(async () => (await depths()).reduce((sum, depth) => sum + depth) === 12, {
    timeoutMs: 30_000,
    what: 'all messages on their rungs',
  })
  expect(await depths()).toEqual([6 - odd, odd, 3, 3])
})
