import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineMessage, ladder } from '../../src/index.js'
import { poll } from '../../scripts/broker/poll.js'
import { useVhost } from '../support/broker.js'
import { AmqpWorld } from './amqp-world.js'

const vhost = useVhost()
const note = defineMessage('note', z.object({ n: z.number() }))

it('the sender waits the milliseconds of a delay below 10 ms, and the rungs the rest: nothing is rounded or early', async () => {
  const world = new AmqpWorld(vhost.url, ladder)
  onTestFinished(() => world.close())
  const mq = await world.connect()
  await world.declareQueue('notes')
  const one = async (n: number) => {
    const { dueAt } = await mq.schedule(note, { n }, { to: { queue: 'notes' }, in: 1017 })
    const arrived = await poll(() => world.take('notes'), { what: 'the message', timeoutMs: 10_000, intervalMs: 1 })
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(dueAt))
    const deaths = arrived.headers['x-death'] as { queue: string }[]
    return deaths.map(({ queue }) => queue).reverse()
  }
  // The first one declares the rungs, which shortens the rest of its delay, so its path differs.
  await one(0)
  // On a slow machine more time may pass than the sender has to wait.
  const paths: string[] = []
  await poll(
    async () => {
      paths.push((await one(1)).join(' '))
      return paths.includes('dueque.v1.wait.10ms dueque.v1.wait.1s')
    },
    { what: 'the rungs of 1010 ms', timeoutMs: 20_000 },
  )
})
