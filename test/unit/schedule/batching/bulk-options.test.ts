import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { connect, defineMessage, memory, type Strategy } from '../../../../src/index.js'
import { testDueque } from '../../../../src/testing/index.js'
import { thrown } from '../../thrown.js'

const job = defineMessage('job', z.number())
const item = (n: number, options = {}) => ({
  message: job,
  payload: n,
  options: { to: { queue: 'q' }, in: '1h', ...options },
})
type Loose = (items: unknown[], options?: unknown) => PromiseLike<unknown>

async function open(strategy: Strategy) {
  const mq = await connect({ strategy, logger: false })
  onTestFinished(() => mq.close())
  return mq.scheduleAll.bind(mq) as Loose
}

it('refuses batches with messages in a store, before anything is scheduled', async () => {
  const strategy = memory()
  strategy.broker.declareQueue('q')
  const scheduleAll = await open(strategy)
  expect(thrown(() => scheduleAll([item(1)], { batch: true }))).toMatchObject({
    code: 'INVALID_OPTION',
    data: { option: 'batch' },
    message: expect.stringContaining('false with memory') as string,
  })
  expect(await scheduleAll([item(1)], { batch: false })).toMatchObject({ scheduled: 1 })
})

it('refuses other options, and other values', async () => {
  const scheduleAll = await open(memory({ cancellations: 'log' }))
  expect(thrown(() => scheduleAll([], { batched: true }))).toMatchObject({
    code: 'INVALID_OPTION',
    message: 'batched: no such option; did you mean batch?',
  })
  expect(thrown(() => scheduleAll([], { batch: 'yes' }))).toMatchObject({ data: { option: 'batch' } })
})

describe('with a log of cancellations', () => {
  it('refuses an item that declares its queue, and no other', async () => {
    const { mq, waiting } = await testDueque({ queues: ['q', 'q.batches'], cancellations: 'log' })
    const { scheduled, failures } = await mq.scheduleAll([item(1), item(2, { declare: true }), item(3)], {
      batch: true,
    })
    expect([scheduled, failures.length]).toEqual([2, 1])
    expect(failures[0]).toMatchObject({ index: 1, error: { code: 'INVALID_OPTION', data: { option: 'declare' } } })
    expect(waiting().map(({ payload }) => payload)).toEqual([1, 3])
  })
})
