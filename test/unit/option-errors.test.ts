/** Every public options object, argument and callback refuses wrong names and values, before anything is opened. */
import { afterAll, expect, it } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  isDuequeError,
  ladder,
  memory,
  on,
  onAny,
  type ConnectOptions,
  type ConsumeOptions,
  type DuequeEvents,
  type Handler,
  type MessageDefinition,
} from '../../src/index.js'

const mq = await connect({ strategy: memory() })
afterAll(() => mq.close())
mq.strategy.broker.declareQueue('q')

const job = defineMessage('job', z.unknown())
const handler = onAny(() => undefined)
const due = { to: { queue: 'q' }, in: 60_000 }

/** The option that `work` refuses; `taken` if it refuses none. */
async function refusal(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    if (isDuequeError(error, 'INVALID_OPTION')) return error.data.option
    throw error
  }
  return 'taken'
}

const opening = (options: unknown) => () => connect(options as ConnectOptions)
const scheduling = (options: object) => () => mq.schedule(job, 1, { ...due, ...options })
const consuming = (options: unknown) => () => mq.consume('q', [handler], options as ConsumeOptions)

it.each<[string, () => unknown]>([
  ['options', opening('amqp://user:secret@localhost')],
  ['options', opening(new URL('amqp://localhost'))],
  ['options', opening(null)],
  ['namespcae', opening({ namespcae: 'a' })],
  ['url', opening({ url: 5, strategy: memory() })],
  ['url', opening({ url: [], strategy: memory() })],
  ['strategy', opening({ strategy: ladder })],
  ['strategy', opening({ strategy: 'ladder' })],
  ['strategy', opening({ strategy: null })],
  ['tls', opening({ tls: true })],
  ['tls.rejectunauthorized', opening({ tls: { rejectunauthorized: false } })],
  ['tls.rejectUnauthorized', opening({ tls: { rejectUnauthorized: 'false' } })],
  ['tls.passphrase', opening({ tls: { passphrase: 12_345 } })],
  ['tls.ca', opening({ tls: { ca: [5] } })],
  ['options', () => mq.schedule(job, 1, null as never)],
  ['expiresin', scheduling({ expiresin: '1h' })],
  ['to.rountingKey', scheduling({ to: { exchange: 'e', rountingKey: 'a' } })],
  ['declare', scheduling({ declare: 'false' })],
  ['signal', scheduling({ signal: new AbortController() })],
  ['repeat', scheduling({ repeat: null })],
  ['message', () => mq.schedule('job' as unknown as MessageDefinition, 1, due)],
  ['message', () => mq.schedule(undefined as unknown as MessageDefinition, 1, due)],
  ['message', () => mq.schedule(z.unknown() as unknown as MessageDefinition, 1, due)],
  ['options', consuming(null)],
  ['prefetchCount', consuming({ prefetchCount: 5 })],
  ['declare', consuming({ declare: 'no' })],
  ['retry.retries', consuming({ retry: { retries: 5 } })],
  ['retry.backoff.intial', consuming({ retry: { backoff: { intial: '1s' } } })],
  ['retry.backoff.factor', consuming({ retry: { backoff: { factor: '2' } } })],
  ['duplicates', consuming({ duplicates: false })],
  ['duplicates.maxEntries', consuming({ duplicates: { maxEntries: NaN } })],
  ['duplicates.maxEntries', consuming({ duplicates: { maxEntries: '5' } })],
  ['duplicates.windowMs', consuming({ duplicates: { windowMs: '1h' } })],
  ['dedupe', consuming({ dedupe: null })],
  ['dedupe.store', consuming({ dedupe: {} })],
  ['dedupe.store', consuming({ dedupe: { store: { claim: () => 'claimed' } } })],
  ['handlers[0]', () => mq.consume('q', [(() => undefined) as unknown as Handler])],
  ['handlers[1]', () => mq.consume('q', [handler, undefined as unknown as Handler])],
  ['handlers[0].definition', () => mq.consume('q', [{ definition: 'job', handle: () => 1 } as unknown as Handler])],
  ['handle', () => on(job, undefined as never)],
  ['message', () => on((() => undefined) as never, () => undefined)],
  ['handle', () => onAny({} as never)],
  ['version', () => defineMessage('job', z.unknown(), { version: '2' as never })],
  ['verison', () => defineMessage('job', z.unknown(), { verison: 2 } as object)],
  ['upgrade', () => defineMessage('job', z.unknown(), { upgrade: {} as never })],
  ['event', () => mq.on('disconnect' as keyof DuequeEvents, () => undefined)],
  ['event', () => mq.on('constructor' as keyof DuequeEvents, () => undefined)],
  ['listener', () => mq.on('error', undefined as never)],
  ['options', () => mq.close(5000 as never)],
  ['drainTimeoutMs', () => mq.close({ drainTimeoutMs: NaN })],
  ['drainTimeout', () => mq.close({ drainTimeout: 5 } as object)],
])('%s is refused: %#', async (option, work) => {
  expect(await refusal(work)).toBe(option)
})

it('a refused call leaves nothing behind, and closes nothing', async () => {
  expect(mq.strategy.waiting()).toEqual([])
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'unused' })
  const consumer = await mq.consume('q', [handler])
  expect(await refusal(() => consumer.close({ drainTimeoutMs: '1s' as never }))).toBe('drainTimeoutMs')
  await consumer.close({ drainTimeoutMs: 0 })
})

it('an error about a password or key does not show its value', async () => {
  for (const tls of [{ passphrase: 12_345 }, { key: 12_345 }])
    await expect(connect({ tls } as object)).rejects.toThrow(/got: number$/)
})

it('an invalid decision throws in the handler with the reason, and the handler may make another', async () => {
  const heard: unknown[] = []
  await mq.schedule(job, 1, { to: { queue: 'decisions' }, in: 0, declare: true })
  const consumer = await mq.consume('decisions', [
    onAny(async ({ retry, deadLetter }) => {
      heard.push(await refusal(() => retry({ delay: '1h' } as object)))
      heard.push(await refusal(() => retry('1h' as never)))
      deadLetter('enough')
    }),
  ])
  await expect.poll(() => heard).toEqual(['delay', 'options'])
  await consumer.close()
})
