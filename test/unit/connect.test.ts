import { expect, it, vi } from 'vitest'
import { connect, memory } from '../../src/index.js'

it('a close whose strategy fails to stop rejects, and ends everything else, telemetry included', async () => {
  const ended = vi.fn()
  const strategy = Object.assign(memory(), { stop: () => Promise.reject(new Error('no end')) })
  const mq = await connect({ strategy, logger: false, telemetry: { connected: () => ended } })
  await expect(mq.close()).rejects.toThrow('no end')
  expect([ended.mock.calls.length, strategy.broker.health().producer]).toEqual([1, 'down'])
})

it.each([
  ['an empty object', {}],
  ['a list with one', [{ process: () => undefined }, {}]],
  ['one that only says what it traces', { tracesMessages: true }],
])('refuses a telemetry without hooks: %s', async (_, telemetry) => {
  await expect(connect({ strategy: memory(), telemetry })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/^telemetry(\[1\])?: expected at least one hook/) as string,
  })
})
