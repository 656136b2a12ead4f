import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi, type TestContext } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { connect, isDuequeError, ladder, on, type ConnectOptions, type Receipt } from '../../src/index.js'
import { note, Recorder, unique } from '../strategies/recorder.js'
import { poll, startNode, useVhost } from '../support/broker.js'
import { startChild } from '../support/child.js'
import { ConfirmProxy, type Swallows } from '../support/confirm-proxy.js'
import { listed } from '../support/journal-records.js'
import { AtWork } from './at-work.js'

const vhost = useVhost()
/** Confirms that are lost with their connection, and in silence, which takes longer. */
const [CUT, SILENCED] = [15, 4].map((usual) => Number(process.env['DUEQUE_LOST_CONFIRMS'] ?? usual)) as [number, number]
vi.setConfig({ testTimeout: 240_000 + CUT * 6000, hookTimeout: 240_000 })
const OF_ROUND = 20
const DELAY_MS = 6000

const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined
const ascending = (a: number, b: number) => a - b
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n)

async function open(
  url: string,
  { onTestFinished: ends }: Pick<TestContext, 'onTestFinished'>,
  options: Omit<ConnectOptions, 'strategy'> = {},
) {
  // In whole seconds: a repetition has less time left than the first try, and would wait for up to three new rungs of its own.
  const strategy = ladder({ journal: true, tolerance: () => 1000 })
  const mq = await connect({ url, ...options, strategy })
  ends(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

/** The numbers of the listed messages to a queue. */
async function listedNumbers(url: string, queue: string, prefix?: string): Promise<number[]> {
  const found = (await listed(url, prefix)).filter(({ message }) => message.destination.queue === queue)
  const read = (body: Uint8Array) => (JSON.parse(Buffer.from(body).toString()) as { n: number }).n
  return found.map(({ message }) => read(message.body!)).toSorted(ascending)
}

/** A producer behind a proxy that loses confirms, and a consumer that is not. */
async function parties(context: TestContext, options: Omit<ConnectOptions, 'strategy'> = {}, delayMs = DELAY_MS) {
  const proxy = await ConfirmProxy.to(vhost.url)
  context.onTestFinished(() => proxy.close())
  const [namespace, queue] = [unique('confirms'), unique('confirms')]
  const producer = await open(proxy.url, context, { ...options, namespace })
  const consumer = await open(vhost.url, context, { namespace })
  const recorder = await Recorder.on(consumer, queue)
  const schedule = (n: number, repeat?: Receipt) =>
    producer.schedule(note, { n }, { id: String(n), to: { queue }, in: delayMs, declare: true, repeat })
  // Its rung and its stream are old enough now.
  await poll(() => schedule(0).catch(() => false), { what: 'the first schedule', timeoutMs: 60_000 })
  const kinds: Record<string, Swallows> = {
    record: (exchange) => exchange === `${namespace}.v1.journal`,
    message: (exchange) => exchange.startsWith(`${namespace}.v1.entry.`),
  }
  /** Each message once in the list, and handled once. */
  const account = async (scheduled: number) => {
    expect(await listedNumbers(vhost.url, queue, `${namespace}.v1`)).toEqual(numbers(scheduled))
    await recorder.has(scheduled, delayMs + 60_000)
    expect(recorder.numbers.toSorted(ascending)).toEqual(numbers(scheduled))
    expect(recorder.early).toEqual([])
  }
  return { proxy, schedule, kinds, account }
}

describe.concurrent('confirms are lost', () => {
  test.for(['record', 'message'])(
    'with the connection, each of a %s: no message is lost or handled twice, and the list is true',
    async (kind, context) => {
      const { proxy, schedule, kinds, account } = await parties(context)
      let scheduled = 1
      while (proxy.swallowed < CUT) {
        proxy.swallows = kinds[kind]!
        const before = proxy.swallowed
        const all = Promise.all(numbers(OF_ROUND, scheduled).map((n) => schedule(n)))
        scheduled += OF_ROUND
        await poll(() => proxy.swallowed > before && proxy.unanswered === 0, { what: 'lost confirms' })
        proxy.swallows = () => false
        proxy.cut()
        await all
      }
      await account(scheduled)
    },
  )

  test.for(['record', 'message'])(
    'in silence, each of a %s: the outcome is unknown, a repetition is no second message, and the list is true',
    async (kind, context) => {
      // A repetition after the due time would have no record.
      const { proxy, schedule, kinds, account } = await parties(context, { publishTimeoutMs: 6000 }, 30_000)
      let scheduled = 1
      while (proxy.swallowed < SILENCED) {
        proxy.swallows = kinds[kind]!
        const round = numbers(OF_ROUND, scheduled)
        scheduled += OF_ROUND
        const outcomes = await Promise.allSettled(round.map((n) => schedule(n)))
        proxy.swallows = () => false
        const repeats = outcomes.map(async (outcome, i) => {
          const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined
          expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'unknown' })
          const { receipt } = error as { receipt: Receipt }
          await poll(() => schedule(round[i]!, receipt).catch(() => false), { what: 'the repetition' })
        })
        await Promise.all(repeats)
      }
      await account(scheduled)
    },
  )
})

test('the first schedule of a namespace waits for its streams and its rungs side by side', async (context) => {
  const queue = unique('first')
  const tookMs = async (strategy: ReturnType<typeof ladder>) => {
    const mq = await connect({ url: vhost.url, namespace: unique('first'), strategy })
    context.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    const startedAt = performance.now()
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h', declare: true })
    return performance.now() - startedAt
  }
  const without = await tookMs(ladder())
  const withJournal = await tookMs(ladder({ journal: true }))
  console.info({ without, withJournal })
  expect(withJournal - without).toBeLessThan(1500)
})

test('a process that is killed: what it has confirmed is in the list, and is handled', async (context) => {
  const [namespace, queue] = [unique('killed'), unique('killed')]
  const mq = await open(vhost.url, context, { namespace })
  const recorder = await Recorder.on(mq, queue)
  await mq.schedule(note, { n: -1 }, { to: { queue }, in: 8000, declare: true })
  const confirmed = await Promise.all(
    [0, 1].map(async (process) => {
      const args = [vhost.url, namespace, queue, String(process * 1_000_000)]
      const child = startChild(new URL('journal-child.ts', import.meta.url), ...args)
      await poll(() => child.lines.length > 1000, { what: 'confirmed schedules', timeoutMs: 60_000 })
      await child.kill()
      return child.lines.map(Number)
    }),
  )
  const all = confirmed.flat()
  const found = new Set(await listedNumbers(vhost.url, queue, `${namespace}.v1`))
  expect(all.filter((n) => !found.has(n))).toEqual([])
  const handled = () => new Set(recorder.numbers)
  await poll(() => all.every((n) => handled().has(n)), {
    what: 'all to be handled',
    timeoutMs: 60_000,
    intervalMs: 250,
  })
  expect(handled().size).toBe(recorder.numbers.length)
  // A message that waits without a record, or a record without its message: of a schedule that nobody has confirmed.
  const strange = [...handled()].filter((n) => n !== -1 && !found.has(n)).length
  console.info({ confirmed: all.length, listed: found.size, handled: handled().size, unlisted: strange })
  expect(recorder.early).toEqual([])
})

describe.skipIf(noNode)('a private broker (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let node: PrivateNode
  beforeAll(async () => {
    node = (await startNode({ management: false }))!
  })
  afterAll(() => node.stop())

  test('killed with -9 while schedules are on their way: each resolves, is in the list, and is handled', async (context) => {
    const namespace = unique('crash')
    const queue = unique('crash')
    const mq = await open(node.url, context, { namespace, publishTimeoutMs: 120_000 })
    const recorder = await Recorder.on(mq, queue)
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: '40s', declare: true })
    await schedule(0)
    let [scheduled, confirmed, isOver] = [1, 1, false]
    const worker = async () => {
      while (!isOver) {
        await schedule(scheduled++)
        confirmed++
      }
    }
    const workers = Promise.all(Array.from({ length: 100 }, worker))
    workers.catch(() => undefined)
    await poll(() => confirmed > 2000, { what: 'confirms' })
    await node.kill()
    const before = confirmed
    await node.restart()
    await poll(() => confirmed > before + 500, { what: 'more confirms', timeoutMs: 120_000 })
    isOver = true
    await workers
    expect(await listedNumbers(node.url, queue, `${namespace}.v1`)).toEqual(numbers(scheduled))
    await recorder.has(scheduled, 90_000)
    expect(recorder.numbers.toSorted(ascending)).toEqual(numbers(scheduled))
    expect(recorder.early).toEqual([])
  })

  test('memory alarm: schedules fail in time, a retry waits for its end, and waiting messages are in the list', async (context) => {
    const [namespace, retried] = [unique('alarm'), unique('retried')]
    const options = { namespace, publishTimeoutMs: 5000 }
    const work = await AtWork.start(node.url, { ...options, strategy: ladder({ journal: true }) })
    onTestFinished(async () => {
      await node.ctl('set_vm_memory_high_watermark', '0.6')
    })
    const mq = await open(node.url, context, options)
    let fail: ((error: Error) => void) | undefined
    const failing = on(note, () => new Promise<void>((_, reject) => (fail = reject)))
    const consumer = await mq.consume(retried, [failing], { retry: { backoff: '1h', jitter: 'none' } })
    await mq.schedule(note, { n: 1 }, { id: 'retried', to: { queue: retried }, in: 0 })
    await poll(() => fail, { what: 'the first attempt' })
    await node.ctl('set_vm_memory_high_watermark', '0.000001')
    await work.sees('blocked')
    fail!(new Error('not yet'))
    await poll(() => work.load.failed.size > 50, { what: 'schedules that fail', timeoutMs: 60_000 })
    await node.ctl('set_vm_memory_high_watermark', '0.6')
    await work.sees('unblocked')
    await work.flows('after the alarm')
    await poll(() => consumer.stats().retried === 1, { what: 'the retry', timeoutMs: 60_000 })
    const found = (await listed(node.url, `${namespace}.v1`)).filter(({ message: { id } }) => id === 'retried')
    expect(found).toMatchObject([{ message: { attempt: 2 } }])
    await work.account()
    for (const error of work.load.failures) expect(isDuequeError(error, 'PUBLISH_TIMEOUT')).toBe(true)
    const seen = new Set(await listedNumbers(node.url, work.queue, `${namespace}.v1`))
    expect([...work.load.confirmed].filter((n) => !seen.has(n))).toEqual([])
  })
})
