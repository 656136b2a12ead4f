import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it, vi } from 'vitest'
import { memory, type Headers, type Telemetry } from '../../../src/index.js'
import { rejection } from '../thrown.js'
import { order, settled, to, world } from './world.js'

describe('schedule', () => {
  it('is called for each schedule, and its headers travel with the message', async () => {
    const infos: unknown[] = []
    const seen: Headers[] = []
    const { mq, deliveries } = await world({
      schedule: (info, headers, run) => {
        infos.push(info)
        seen.push({ ...headers })
        headers['traceparent'] = '00-1'
        return run()
      },
    })
    const receipt = await mq.schedule(order, 1, { to, in: 0, headers: { tenant: 'a' } })
    const items = [2, 3].map((payload) => ({ message: order, payload, options: { to, in: 0 } }))
    expect(await mq.scheduleAll(items)).toMatchObject({ scheduled: 2 })
    await settled()
    expect(infos).toHaveLength(3)
    expect(infos[0]).toEqual({ id: receipt.id, name: 'order', to, dueAt: new Date(receipt.dueAt) })
    expect(infos[1]).toMatchObject({ name: 'order', to, bulk: { operation: 'schedule' } })
    expect(seen).toEqual([{ tenant: 'a' }, {}, {}])
    expect(deliveries.map(({ headers }) => headers)).toEqual([
      { tenant: 'a', traceparent: '00-1' },
      { traceparent: '00-1' },
      { traceparent: '00-1' },
    ])
  })

  it.each<[string, (headers: Record<string, unknown>) => void]>([
    ['of dueque', (headers) => (headers['dueque-due'] = 5)],
    ['without an encoding', (headers) => (headers['now'] = new Date())],
    ['of too many bytes', (headers) => (headers['baggage'] = 'x'.repeat(60_000))],
  ])('a header %s is logged, and the message goes without it', async (_, add) => {
    const { mq, deliveries, log } = await world({
      schedule: (_info, headers, run) => {
        headers['traceparent'] = '00-1'
        add(headers)
        return run()
      },
    })
    await mq.schedule(order, 1, { to, in: 0, headers: { tenant: 'a' } })
    await settled()
    expect(deliveries.map(({ headers }) => headers)).toEqual([{ tenant: 'a' }])
    expect(log.error).toHaveBeenCalledOnce()
  })

  it('wraps the whole schedule: the strategy runs in the context of the hook, and a failure reaches the hook', async () => {
    const context = new AsyncLocalStorage<string>()
    const contexts: unknown[] = []
    const failures: unknown[] = []
    const strategy = memory()
    const inner = strategy.schedule.bind(strategy)
    strategy.schedule = (message, options) => {
      contexts.push(context.getStore())
      return inner(message, options)
    }
    const telemetry: Telemetry = {
      schedule: (_, __, run) =>
        context.run('span', run).catch((error: unknown) => {
          failures.push(error)
          throw error
        }),
    }
    const { mq, log } = await world(telemetry, undefined, { strategy })
    await mq.schedule(order, 1, { to, in: 0 })
    const errors = [
      await rejection(mq.schedule(order, 'x' as never, { to, in: 0 })),
      await rejection(mq.schedule(order, 1, { to: { queue: 'none' }, in: 0 })),
    ]
    expect(contexts).toEqual(['span', 'span'])
    expect(errors.map(({ code }) => code)).toEqual(['INVALID_PAYLOAD', 'DESTINATION_MISSING'])
    expect(failures).toEqual(errors)
    expect(log.error).not.toHaveBeenCalled()
  })

  it('is not called for refused options', async () => {
    const schedule = vi.fn()
    const { mq } = await world({ schedule })
    expect((await rejection(mq.schedule(order, 1, { to, in: 'soon' }))).code).toBe('INVALID_DUE')
    expect((await rejection(mq.schedule(order, 1, undefined as never))).code).toBe('INVALID_OPTION')
    await mq.close()
    expect((await rejection(mq.schedule(order, 1, { to, in: 0 }))).code).toBe('CLOSED')
    expect(schedule).not.toHaveBeenCalled()
  })
})

describe('bulk', () => {
  /** What the hook hears, and in which context the hook of each item is called. */
  function listening() {
    const context = new AsyncLocalStorage<string>()
    const heard: unknown[] = []
    const contexts: unknown[] = []
    const telemetry: Telemetry = {
      bulk: (info, run) =>
        context.run(`run of ${info.operation}`, run).then(
          (outcome) => heard.push({ ...info, ...outcome }),
          (error: unknown) => heard.push(error),
        ),
      schedule: ({ bulk }, _headers, run) => {
        contexts.push([bulk?.operation, context.getStore()])
        return run()
      },
      cancel: ({ bulk }, run) => {
        contexts.push([bulk?.operation, context.getStore()])
        return run()
      },
    }
    return { telemetry, heard, contexts }
  }
  const items = [1, 'x' as never, 3].map((payload) => ({ message: order, payload, options: { to, in: '1h' } }))

  it('wraps a run that is awaited, and its items run in its context', async () => {
    const { telemetry, heard, contexts } = listening()
    const { mq } = await world(telemetry)
    expect(await mq.scheduleAll(items)).toMatchObject({ scheduled: 2, failed: 1 })
    await settled()
    expect(heard).toEqual([{ operation: 'schedule', succeeded: 2, failed: 1 }])
    expect(contexts).toEqual(Array.from({ length: 3 }, () => ['schedule', 'run of schedule']))
  })

  it('wraps a run that is iterated and left early, up to there', async () => {
    const { telemetry, heard } = listening()
    const { mq } = await world(telemetry)
    for await (const { error } of mq.scheduleAll(items)) if (!error) break
    await settled()
    expect(heard).toMatchObject([{ operation: 'schedule', succeeded: 1 }])
  })

  it('hears of a source that throws, as the caller does', async () => {
    const { telemetry, heard } = listening()
    const { mq } = await world(telemetry)
    const failure = new Error('source')
    function* source() {
      yield items[0]!
      throw failure
    }
    await expect(mq.scheduleAll(source())).rejects.toBe(failure)
    await settled()
    expect(heard).toEqual([failure])
  })

  it('wraps cancelAll, and not a run that is never used', async () => {
    const { telemetry, heard, contexts } = listening()
    const { mq } = await world(telemetry)
    expect(mq.scheduleAll(items)[Symbol.toStringTag]).toBe('BulkRun')
    expect(await mq.cancelAll(['a', 'b', ''])).toMatchObject({ notWaiting: 2, failed: 1 })
    await settled()
    expect(heard).toEqual([{ operation: 'cancel', succeeded: 2, failed: 1 }])
    expect(contexts).toEqual(Array.from({ length: 2 }, () => ['cancel', 'run of cancel']))
  })
})

describe('cancel and reschedule', () => {
  it('are wrapped with the id, and the destination of a receipt; a bad target does not reach them', async () => {
    const calls: unknown[] = []
    const { mq } = await world({
      cancel: async (info, run) => calls.push(['cancel', info, await run()]),
      reschedule: async (info, run) => calls.push(['reschedule', info, (await run())?.replaced]),
    })
    const { id } = await mq.schedule(order, 1, { to, in: '1h' })
    const receipt = await mq.schedule(order, 2, { to, in: '1h' })
    await mq.reschedule(receipt, { in: '2h' })
    await mq.cancel(id)
    await mq.cancel('none')
    await settled()
    expect(await rejection(mq.cancel(''))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(calls).toEqual([
      ['reschedule', { id: receipt.id, to }, 'cancelled'],
      ['cancel', { id, to: undefined }, 'cancelled'],
      ['cancel', { id: 'none', to: undefined }, 'not-waiting'],
    ])
  })
})
