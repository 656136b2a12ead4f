import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { resolveOptions, type ConnectOptions } from '../../src/options.js'
import { ladder } from '../../src/strategies/ladder/ladder.js'
import { manualClock } from '../../src/strategies/memory/manual-clock.js'
import { memory } from '../../src/strategies/memory/memory.js'
import { thrown } from './thrown.js'

it('options that are missing or undefined have their defaults', () => {
  const undefinedOnes: object = { url: undefined, strategy: undefined, maxInFlight: undefined, logger: undefined }
  for (const options of [{}, undefinedOnes]) {
    const { name, strategy, ...rest } = resolveOptions(options)
    expect(name).toMatch(/^dueque@.+:\d+$/)
    expect(strategy.name).toBe('ladder')
    expect(rest).toEqual({
      url: 'amqp://localhost',
      cancellations: { marginMs: 1000, graceMs: 86_400_000 },
      namespace: 'dueque',
      queueType: 'quorum',
      topology: 'declare',
      tls: {},
      heartbeatSeconds: 10,
      connectTimeoutMs: 10_000,
      waitMs: 0,
      publishTimeoutMs: 30_000,
      maxInFlight: 2000,
      maxBodyBytes: 16_777_216,
      recurring: true,
      logger: Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, expect.any(Function)])),
      clock: systemClock,
      telemetry: [],
    })
  }
})

it('given options are kept', () => {
  const given: ConnectOptions = {
    url: ['amqp://a', 'amqp://b'],
    strategy: ladder(),
    namespace: 'team-a_1.x:y',
    queueType: 'classic',
    name: 'n',
    tls: { servername: 's' },
    heartbeatSeconds: 0,
    connectTimeoutMs: 1,
    publishTimeoutMs: 2,
    maxInFlight: 1,
    maxBodyBytes: 512 * 1024 * 1024,
    recurring: false,
  }
  expect(resolveOptions(given)).toMatchObject(given)
})

it('the clock is that of the strategy, if it has one', () => {
  const clock = manualClock(0)
  expect(resolveOptions({ strategy: memory({ clock }) }).clock).toBe(clock)
})

const NUMBERS = ['heartbeatSeconds', 'connectTimeoutMs', 'publishTimeoutMs', 'maxInFlight', 'maxBodyBytes']
it.each<[string, unknown]>([
  ...NUMBERS.flatMap((option) =>
    [-1, 0.5, NaN, Infinity, '5', null].map((value): [string, unknown] => [option, value]),
  ),
  ...NUMBERS.slice(1).map((option): [string, unknown] => [option, 0]),
  ['heartbeatSeconds', 65_536],
  ['connectTimeoutMs', 2 ** 31],
  ['publishTimeoutMs', 2 ** 31],
  ['maxInFlight', 65_536],
  ['maxBodyBytes', 512 * 1024 * 1024 + 1],
  ...['', 'n'.repeat(65), 'a b', 'dq~', 'é', 'a/b', null, 5].map((value): [string, unknown] => ['namespace', value]),
  ['queueType', 'stream'],
  ['queueType', null],
  ['name', ''],
  ['name', 5],
  ['logger', null],
  ['logger', { info: () => undefined }],
])('%s may not be %o', (option, value) => {
  const error = thrown(() => resolveOptions({ [option]: value }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})
