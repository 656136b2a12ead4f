import { expect, it } from 'vitest'
import { connect, memory, type CancelMethods, type Dueque } from '../../../src/index.js'
import { rejection } from '../thrown.js'

/** As JavaScript may call them. */
type Loose = Dueque & {
  [Name in 'cancel' | 'cancelAll' | 'reschedule']: (...args: unknown[]) => ReturnType<CancelMethods[Name]>
}

it.each(['exact', 'log'] as const)(
  'a strategy without transactions refuses the option: cancellations %s',
  async (kind) => {
    const strategy = kind === 'log' ? memory({ cancellations: 'log' }) : memory()
    const mq = (await connect({ strategy })) as unknown as Loose
    const transaction = { query: () => Promise.resolve({ rows: [] }) }
    const calls: [string, () => Promise<unknown>][] = [
      ['transaction', () => mq.cancel('x', { transaction })],
      ['transaction', () => mq.reschedule('x', { in: 0, transaction })],
      ['transacton', () => mq.cancel('x', { transacton: 5 })],
      ['options', () => mq.cancel('x', null)],
      ['due.transacton', () => mq.reschedule('x', { in: 0, transacton: 5 })],
    ]
    for (const [option, call] of calls)
      expect(await rejection(call())).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
    expect((await rejection(mq.cancel('x', { transaction }))).message).toContain(
      'none with memory, which has no transactions',
    )
    expect(() => mq.cancelAll(['x'], { transaction })).toThrow('none with memory, which has no transactions')
    await mq.close()
  },
)

it('a missing transaction is none, and the second argument of a callback is no option', async () => {
  const mq = await connect({ strategy: memory() })
  const loose = mq as unknown as Loose
  // As with `ids.map(mq.cancel)`.
  expect(await loose.cancel('x', 0, ['x'])).toBe('not-waiting')
  expect(await loose.cancel('x', { transaction: undefined })).toBe('not-waiting')
  expect(await loose.reschedule('x', { in: 0, transaction: undefined })).toBeUndefined()
  await mq.close()
})
