import { describe, expect, test, type TestContext } from 'vitest'
import { connect, ladder, on, type Receipt } from '../../../src/index.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { listed } from '../../support/journal-records.js'
import { useVersionBefore, whyWithout, type VersionBefore } from '../../support/version-before.js'
import { ascending, numbers, scheduleNotes } from '../../support/numbered-notes.js'

/** The last version without a journal. */
const BEFORE = '73927cc'
const COUNT = 150

const why = whyWithout(BEFORE)
const vhost = useVhost()
let versionBefore: () => VersionBefore

/** That version, and this one with a journal, in one namespace. */
async function openBoth({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const options = { url: vhost.url, namespace: unique('both'), logger: false } as const
  const strategy = ladder({ journal: true })
  const [before, now] = await Promise.all([versionBefore().connect(options), connect({ ...options, strategy })])
  onTestFinished(async () => {
    await Promise.all([before, now].map((mq) => mq.close({ drainTimeoutMs: 2000 })))
  })
  const ids = async () => (await listed(vhost.url, `${options.namespace}.v1`)).map(({ message: { id } }) => id)
  return { before, now, ids, queue: unique('compat') }
}

describe.skipIf(why !== '').concurrent(`beside the last version without a journal${why}`, () => {
  versionBefore = useVersionBefore(BEFORE)

  test('both schedule, consume and retry in one queue: no message is lost, early or handled twice', async (context) => {
    const { before, now, queue } = await openBoth(context)
    const done: number[] = []
    const early: number[] = []
    const failedAt = new Map<number, number>()
    const backoff = 700
    const handler = on(note, ({ payload: { n }, attempt, dueAt }) => {
      const now = Date.now()
      if (now < Math.max(dueAt.getTime(), (failedAt.get(n) ?? 0) + backoff)) early.push(n)
      if (attempt > 1 || n % 3 > 0) return void done.push(n)
      failedAt.set(n, now)
      throw new Error('not yet')
    })
    const retry = { backoff, jitter: 'none' } as const
    await Promise.all([before, now].map((mq) => mq.consume(queue, [handler], { retry })))
    await Promise.all([scheduleNotes(before, queue, COUNT, 0), scheduleNotes(now, queue, COUNT, COUNT)])
    await poll(() => done.length >= 2 * COUNT, { timeoutMs: 40_000, what: 'all messages' })
    expect(done.toSorted(ascending)).toEqual(numbers(2 * COUNT))
    expect(early).toEqual([])
  })

  test('that version consumes what this one has journalled, and cancels it', async (context) => {
    const { before, now, ids, queue } = await openBoth(context)
    const recorder = await Recorder.on(before, queue)
    const schedule = (n: number) => now.schedule(note, { n }, { to: { queue }, in: 8000, declare: true })
    const receipts = [await schedule(0), await schedule(1)]
    expect(await ids()).toEqual(receipts.map(({ id }) => id))
    const canceller = before as unknown as { cancel: (receipt: Receipt | undefined) => Promise<string> }
    expect(await canceller.cancel(receipts[1])).toBe('cancelled')
    await recorder.has(1)
    expect(recorder.numbers).toEqual([0])
    expect(recorder.early).toEqual([])
  })

  test('messages of that version are not in the journal, unless this one sends them on', async (context) => {
    const { before, now, ids, queue } = await openBoth(context)
    let failed = 0
    const failing = on(note, () => {
      failed++
      throw new Error('not yet')
    })
    await now.consume(queue, [failing], { retry: { backoff: '1h', jitter: 'none' } })
    const schedule = (delay: string) => before.schedule(note, { n: 0 }, { to: { queue }, in: delay, declare: true })
    const [soon] = await Promise.all([schedule('1s'), schedule('2h')])
    await poll(() => failed === 1, { what: 'the first attempt' })
    await poll(async () => (await ids()).length > 0, { what: 'the retry in the journal' })
    expect(await ids()).toEqual([soon.id])
  })
})
