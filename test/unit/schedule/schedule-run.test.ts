import { afterAll, beforeEach, expect, expectTypeOf, it, vi } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  type ScheduleFailure,
  type ScheduleResult,
  type ScheduleRun,
  type ScheduleSummary,
} from '../../../src/index.js'
import { rejection, thrown } from '../thrown.js'

const warn = vi.fn<(message: string, data?: Record<string, unknown>) => void>()
const logger = { debug: () => undefined, info: () => undefined, warn, error: () => undefined }
const mq = await connect({ strategy: memory(), logger })
afterAll(() => mq.close())
beforeEach(() => void warn.mockClear())
mq.strategy.broker.declareQueue('q')

const job = defineMessage('job', z.number())
const item = (payload: unknown) => ({
  message: job,
  payload: payload as number,
  options: { to: { queue: 'q' }, in: '1h' },
})
const items = (count: number) => Array.from({ length: count }, (_, n) => item(n))
const waiting = () => mq.count()
const UNUSED = 'scheduleAll was neither awaited nor iterated: nothing is scheduled'

it('awaited, it schedules everything and resolves to a summary', async () => {
  const before = await waiting()
  expect(await mq.scheduleAll(items(3000))).toEqual({ scheduled: 3000, failed: 0, failures: [] })
  expect((await waiting()) - before).toBe(3000)
  expect(warn).not.toHaveBeenCalled()
})

it('the summary and a warning name the failed items', async () => {
  const bad = { ...item('no number'), row: 7 }
  const summary = await mq.scheduleAll([{ ...item(1), row: 6 }, bad])
  expect(summary).toMatchObject({
    scheduled: 1,
    failed: 1,
    failures: [{ index: 1, error: { code: 'INVALID_PAYLOAD' } }],
  })
  expect(summary.failures[0]!.item).toBe(bad)
  expect(warn).toHaveBeenCalledOnce()
  expect(warn).toHaveBeenCalledWith('scheduleAll failed for some items', expect.objectContaining({ failed: 1 }))
})

it('the summary counts every failure and keeps a thousand', async () => {
  const { failed, failures } = await mq.scheduleAll(Array.from({ length: 1500 }, () => item('no number')))
  expect([failed, failures.length]).toEqual([1500, 1000])
})

it('an invalid item fails alone', async () => {
  const broken = [null, undefined, 5, {}, { message: job, payload: 1 }, item(1)] as ReturnType<typeof item>[]
  const { scheduled, failures } = await mq.scheduleAll(broken)
  expect(scheduled).toBe(1)
  expect(failures.map(({ error }) => error.data)).toEqual(
    ['item', 'item', 'item', 'message', 'options'].map((option) => ({ option })),
  )
})

it.each([undefined, null, 5, 'text', { length: 1 }])('%o instead of items is refused', (given) => {
  expect(thrown(() => mq.scheduleAll(given as never))).toMatchObject({ data: { option: 'items' } })
})

it('a source that throws rejects the run, once the outcome of started items is known', async () => {
  const before = await waiting()
  function* source() {
    yield item(1)
    throw new Error('no more rows')
  }
  await expect(mq.scheduleAll(source())).rejects.toThrow('no more rows')
  expect((await waiting()) - before).toBe(1)
})

it('returned from an async function, it is awaited and runs', async () => {
  const before = await waiting()
  const all = async () => mq.scheduleAll(items(2))
  expectTypeOf(all).returns.resolves.toEqualTypeOf<ScheduleSummary<ReturnType<typeof item>>>()
  const [summary, again] = await Promise.all([all(), mq.scheduleAll(items(1))])
  expect([summary.scheduled, again.scheduled]).toEqual([2, 1])
  expect((await waiting()) - before).toBe(3)
})

it('awaited twice, it runs once', async () => {
  const run = mq.scheduleAll(items(2))
  expect(await run).toBe(await run)
  expect(await run.finally(() => undefined)).toEqual({ scheduled: 2, failed: 0, failures: [] })
})

it('iterated, it yields each result; a summary counts the rest', async () => {
  const run = mq.scheduleAll(items(5))
  expectTypeOf(run).toEqualTypeOf<ScheduleRun<ReturnType<typeof item>>>()
  const first = await run.next()
  expectTypeOf(first.value).toEqualTypeOf<ScheduleResult<ReturnType<typeof item>> | void>()
  expect(first.value).toMatchObject({ index: 0, receipt: { destination: { queue: 'q' } } })
  expect(await run).toMatchObject({ scheduled: 4 })
  const indices: number[] = []
  for await (const { index } of mq.scheduleAll(items(3))) indices.push(index)
  expect(indices).toEqual([0, 1, 2])
})

it('leaving the iteration early closes the source', async () => {
  const left = vi.fn()
  function* source() {
    try {
      for (;;) yield item(1)
    } finally {
      left()
    }
  }
  for await (const { index } of mq.scheduleAll(source())) if (index > 2) break
  expect(left).toHaveBeenCalledOnce()
})

it('dropped, it schedules nothing, and one warning names the call after a second', async () => {
  const before = await waiting()
  void mq.scheduleAll(items(3))
  for await (const _ of mq.scheduleAll(items(1))) expect(_.error).toBeUndefined()
  await mq.scheduleAll(items(1))
  expect(warn).not.toHaveBeenCalled()
  await expect.poll(() => warn.mock.calls.length, { timeout: 10_000 }).toBe(1)
  expect(warn).toHaveBeenCalledWith(UNUSED, { call: expect.stringContaining('schedule-run.test.ts') as string })
  expect((await waiting()) - before).toBe(2)
})

it('dropped right before close, it is reported as well, once', async () => {
  const other = await connect({ strategy: memory(), logger })
  void other.scheduleAll(items(1))
  await other.close()
  expect(warn.mock.calls).toEqual([[UNUSED, { call: expect.stringContaining('schedule-run.test.ts') as string }]])
})

it('after close, its items are refused', async () => {
  const other = await connect({ strategy: memory(), logger })
  await other.close()
  const { failures } = await other.scheduleAll(items(1))
  expectTypeOf(failures).toEqualTypeOf<readonly ScheduleFailure<ReturnType<typeof item>>[]>()
  expect(failures[0]!.error.code).toBe('CLOSED')
  expect(await rejection(other.schedule(job, 1, { to: { queue: 'q' }, in: 0 }))).toMatchObject({ code: 'CLOSED' })
})
