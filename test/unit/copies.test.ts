/** Two copies of dueque in one process, as in a monorepo or under Jest, and values of another realm. */
import vm from 'node:vm'
import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import * as ours from '../../src/index.js'
import { Names } from '../../src/amqp/topology/names.js'
import { errorText, shown } from '../../src/base/errors.js'
import { LadderLayout } from '../../src/strategies/ladder/ladder-layout.js'
import { allRungs, type Rung } from '../../src/strategies/ladder/rungs.js'
import { rejection } from './thrown.js'

vi.resetModules()
const theirs = await import('../../src/index.js')

it('an error of one copy is recognised by the other, with its code and data', async () => {
  const mq = await ours.connect({ strategy: ours.memory() })
  const job = ours.defineMessage('job', z.number())
  const error = await rejection(mq.schedule(job, 'x' as never, { to: { queue: 'q' }, in: 0, declare: true }))
  await mq.close()
  expect(theirs.DuequeError).not.toBe(ours.DuequeError)
  expect(theirs.isDuequeError(error, 'INVALID_PAYLOAD')).toBe(true)
  expect(theirs.isDuequeError(error, 'CLOSED')).toBe(false)
  expect(error instanceof theirs.DuequeError).toBe(true)
})

it('a subclass is distinguished from the errors that it extends', () => {
  class Own extends ours.DuequeError {}
  const own = new Own('CLOSED', 'closed', {})
  const other = new ours.DuequeError('CLOSED', 'closed', {})
  expect([own instanceof Own, own instanceof theirs.DuequeError, other instanceof Own]).toEqual([true, true, false])
  for (const none of [new Error(), { name: 'DuequeError' }, null, undefined, 'x', () => undefined])
    expect(none instanceof ours.DuequeError).toBe(false)
})

it('definitions, handlers, strategies and clocks of one copy work with the other', async () => {
  const clock = theirs.manualClock(0)
  const mq = await ours.connect({ strategy: theirs.memory({ clock }) })
  const job = theirs.defineMessage('job', z.number())
  const heard: number[] = []
  const consumer = await mq.consume('q', [theirs.on(job, ({ payload }) => void heard.push(payload))])
  await mq.schedule(job, 7, { to: { queue: 'q' }, in: '1s' })
  clock.advance('1s')
  await expect.poll(() => heard).toEqual([7])
  await consumer.close()
  await mq.close()
})

it('both copies lay out the rungs alike', async () => {
  const theirRungs = (await import('../../src/strategies/ladder/rungs.js')).allRungs()
  const layout = new LadderLayout(new Names('dueque'))
  const variant = { type: 'quorum', shard: 0 } as const
  const parts = (rungs: readonly Rung[]) => rungs.map((rung) => layout.rung(rung, variant))
  expect(theirRungs[0]).not.toBe(allRungs()[0])
  expect(parts(theirRungs)).toEqual(parts(allRungs()))
})

const foreign = (code: string): unknown => vm.runInNewContext(code)

it.each<[string, () => object]>([
  ['flat headers', () => ({ headers: foreign('({ a: 1 })') })],
  ['nested headers', () => ({ headers: foreign('({ a: { b: [1, { c: null }] } })') })],
  ['a Date', () => ({ in: undefined, at: foreign('new Date(Date.now() + 5000)') })],
  ['a whole options object', () => foreign('({ to: { queue: "q" }, in: "1s", headers: { a: { b: 1 } } })') as object],
])('%s of another realm can be scheduled', async (_, options) => {
  const mq = await ours.connect({ strategy: ours.memory() })
  const job = ours.defineMessage('job', z.unknown())
  mq.strategy.broker.declareQueue('q')
  await mq.schedule(job, foreign('({ a: [new Date()] })'), { to: { queue: 'q' }, in: '1s', ...options() })
  const { messages } = await mq.list({ due: { from: foreign('new Date(0)') as Date } })
  expect(messages).toHaveLength(1)
  await mq.close()
})

it('an instance of a class is refused as a header, in any realm', async () => {
  const mq = await ours.connect({ strategy: ours.memory() })
  const job = ours.defineMessage('job', z.unknown())
  for (const a of [
    new URL('http://a'),
    new Date(),
    foreign('new Date()'),
    foreign('new Map()'),
    foreign('new (class A {})'),
  ])
    expect(
      await rejection(mq.schedule(job, 1, { to: { queue: 'q' }, in: 0, headers: { a: a as string }, declare: true })),
    ).toMatchObject({ data: { option: 'headers.a' } })
  await mq.close()
})

it('errors and dates of another realm are described as such', () => {
  expect(errorText(foreign('new TypeError("no room")'))).toBe('no room')
  expect(shown(foreign('new Date(0)'))).toBe('1970-01-01T00:00:00.000Z')
})
