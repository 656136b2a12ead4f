import { afterAll, beforeEach, expect, expectTypeOf, it, vi } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  type CancelItemResult,
  type CancelRun,
  type CancelSummary,
  type CancelTarget,
  type Receipt,
} from '../../../src/index.js'
import { thrown } from '../thrown.js'

const warn = vi.fn<(message: string, data?: Record<string, unknown>) => void>()
const logger = { debug: () => undefined, info: () => undefined, warn, error: () => undefined }
const mq = await connect({ strategy: memory(), logger })
afterAll(() => mq.close())
beforeEach(() => void warn.mockClear())
mq.strategy.broker.declareQueue('q')

const job = defineMessage('job', z.number())
const schedule = () => mq.schedule(job, 1, { to: { queue: 'q' }, in: '1h' })
const receipts = (count: number) => Promise.all(Array.from({ length: count }, schedule))
const NONE = { cancelled: 0, tooLate: 0, unknown: 0, notWaiting: 0, failed: 0, failures: [] }

it('awaited, it cancels everything and resolves to counts', async () => {
  const all = await receipts(3000)
  const run = mq.cancelAll(all)
  expectTypeOf(run).toEqualTypeOf<CancelRun<Receipt>>()
  const summary = await run
  expectTypeOf(summary).toEqualTypeOf<CancelSummary<Receipt>>()
  expect(summary).toEqual({ ...NONE, cancelled: 3000 })
  expect(await mq.cancelAll(all.slice(0, 5).map(({ id }) => id))).toEqual({ ...NONE, notWaiting: 5 })
  expect([await mq.count(), warn.mock.calls]).toEqual([0, []])
})

it('iterated, it yields each answer as it is known', async () => {
  const all = await receipts(3)
  const seen: CancelItemResult<CancelTarget>[] = []
  for await (const result of mq.cancelAll<CancelTarget>([...all, 'never'])) seen.push(result)
  const outcomes = ['cancelled', 'cancelled', 'cancelled', 'not-waiting']
  expect(seen.toSorted((a, b) => a.index - b.index)).toEqual(
    [...all, 'never'].map((item, index) => ({ index, item, outcome: outcomes[index] })),
  )
})

it('an invalid target fails alone, and the summary and a warning name it', async () => {
  const [receipt] = await receipts(1)
  const bad = [null, 5, {}, { id: '' }, { ...receipt, revision: -1 }, { ...receipt, dueAt: 'soon' }] as Receipt[]
  const summary = await mq.cancelAll([...bad, receipt!])
  expect(summary).toMatchObject({ cancelled: 1, failed: bad.length })
  expect(summary.failures.map(({ index }) => index)).toEqual(bad.map((_, i) => i))
  expect(summary.failures.map(({ error }) => error.code)).toEqual([
    ...Array<string>(5).fill('INVALID_OPTION'),
    'INVALID_DUE',
  ])
  expect(warn.mock.calls).toEqual([
    ['cancelAll failed for some items', expect.objectContaining({ failed: bad.length })],
  ])
})

it.each([undefined, null, 5, 'text', { id: 'x' }])('%o instead of targets is refused', (given) => {
  expect(thrown(() => mq.cancelAll(given as never))).toMatchObject({ data: { option: 'items' } })
})

it('has no more under way than the window, and reads the source as fast as answers are taken', async () => {
  const other = await connect({ strategy: memory(), logger, maxInFlight: 4 })
  let read = 0
  function* source() {
    for (; read < 100; read++) yield `id-${read}`
  }
  for await (const { index } of other.cancelAll(source())) if (index === 10) break
  expect(read).toBeLessThan(20)
  await other.close()
})

it('dropped, it cancels nothing, and a warning names the call', async () => {
  const other = await connect({ strategy: memory(), logger })
  void other.cancelAll(['x'])
  await other.close()
  const call = expect.stringContaining('cancel-run.test.ts') as string
  expect(warn.mock.calls).toEqual([['cancelAll was neither awaited nor iterated: nothing is cancelled', { call }]])
})

it('after close, its targets are refused', async () => {
  const other = await connect({ strategy: memory(), logger })
  await other.close()
  const { failures } = await other.cancelAll(['x'])
  expect(failures[0]!.error.code).toBe('CLOSED')
})
