import { setTimeout as pause } from 'node:timers/promises'
import type { ConsumeMessage } from 'amqplib'
import { expect, test, vi } from 'vitest'
import { unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import type { Child } from '../support/child.js'
import { depth } from '../support/parked.js'
import { TICKS } from '../support/recurring.js'
import { atEachStep, COUNT, hasOneChain, sentTicks, setAtOnce, world } from './tickers.js'

vi.setConfig({ testTimeout: 300_000 })

const vhosts = [useVhost(), useVhost(), useVhost(), useVhost()]

test('a ticker that is killed at each step of its work loses no occurrence, doubles none, and neither forks nor ends a chain', async () => {
  await atEachStep(vhosts[0]!.url, { rounds: Math.ceil(COUNT / 100) })
})

test('processes that set the same schedules at once make one chain of each', async () => {
  await setAtOnce(vhosts[1]!.url)
})

test('another ticker takes over from one that is killed, and from one that freezes and comes back; a purge meanwhile is repaired', async () => {
  const { mq, channel, handled, twice, start, ready, children, content } = await world(vhosts[2]!.url)
  const ids = Array.from({ length: 5 }, (_, n) => unique(`t${n}`))
  await Promise.all(ids.map((id) => mq.recurring.set(id, content)))
  const hasSent = (child: Child, from = 0) => ids.some((id) => sentTicks([child], id, from).length > 0)
  /** How long it takes until this one sends a tick. */
  const takesOver = async (child: Child, since: number) => {
    await poll(() => hasSent(child, since), { what: 'another ticker', timeoutMs: 60_000, intervalMs: 10 })
    return Date.now() - since
  }
  const [a, b] = [start(), start()]
  await Promise.all([ready(a), ready(b)])
  await poll(() => hasSent(a) || hasSent(b), { what: 'a ticker', timeoutMs: 30_000 })
  const [active, standby] = hasSent(a) ? [a, b] : [b, a]
  await pause(2000)
  const killedAt = Date.now()
  await active.kill()
  const afterKillMs = await takesOver(standby, killedAt)

  const c = start()
  await ready(c)
  const frozenAt = Date.now()
  standby.process.kill('SIGSTOP')
  const afterFreezeMs = await takesOver(c, frozenAt)
  console.info({ afterKillMs, afterFreezeMs })
  expect(afterKillMs).toBeLessThan(5000)
  standby.process.kill('SIGCONT')
  await hasOneChain(children, ids)

  await Promise.all([standby.kill(), c.kill()])
  await poll(async () => (await depth(channel, TICKS)) > ids.length, {
    what: 'ticks and a bookmark',
    timeoutMs: 30_000,
  })
  const last = ids.map((id) => Math.max(...sentTicks(children, id, 0)))
  await channel.purgeQueue(TICKS)
  const d = start()
  const goesOn = () => ids.every((id, n) => Math.max(...sentTicks([d], id, 0)) > last[n]!)
  await poll(goesOn, { what: 'the chains to go on', timeoutMs: 60_000 })
  await hasOneChain([d], ids)

  expect(twice()).toEqual([])
  for (const id of ids) {
    const times = [...handled.keys()]
      .filter((one) => one.startsWith(`${id}@`))
      .map((one) => Date.parse(one.slice(id.length + 1)))
    times.sort((x, y) => x - y)
    expect(times, id).toEqual(times.map((_, n) => times[0]! + n * 1000))
    expect(times.at(-1)!, id).toBeGreaterThan(Date.now() - 5000)
  }
})

test('a ticker that takes over schedules nothing once more, also if its schedule is set again', async () => {
  const { mq, channel, start, ready, content } = await world(vhosts[3]!.url)
  const [queue, id] = [unique('counted'), unique('again')]
  await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
  const schedule = { ...content, to: { queue } }
  // Declares what there is to declare.
  await mq.recurring.set(unique('first'), { ...schedule, limit: 1 })
  const first = start()
  await ready(first)
  expect(await mq.recurring.set(id, schedule)).toMatchObject({ changed: true })
  // Before that, the first tick may be missing.
  await pause(35_000)
  await first.kill()
  const next = start()
  await ready(next)
  await poll(() => sentTicks([next], id, 0).length > 0, { what: 'another ticker', timeoutMs: 30_000 })
  expect(await mq.recurring.set(id, schedule)).toMatchObject({ changed: false })
  const times: number[] = []
  // A consumer of dueque would suppress copies.
  const count = (message: ConsumeMessage | null) => {
    const messageId = String(message?.properties.messageId)
    if (messageId.startsWith(`${id}@`)) times.push(Date.parse(messageId.slice(id.length + 1)))
  }
  await channel.consume(queue, count, { noAck: true })
  const until = Date.now() + 15_000
  await poll(() => times.some((time) => time >= until), { what: 'the occurrences of a while', timeoutMs: 60_000 })
  times.sort((x, y) => x - y)
  expect(times).toEqual(times.map((_, n) => times[0]! + n * 1000))
})
