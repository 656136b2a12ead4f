import { describe, expect, test, type TestContext } from 'vitest'
import { connect, on } from '../../../src/index.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { useVersionBefore, whyWithout, type VersionBefore } from '../../support/version-before.js'
import { ascending, numbers, scheduleNotes } from '../../support/numbered-notes.js'

/** The last version without cancellations. */
const BEFORE = '5575b21'
const COUNT = 150

const why = whyWithout(BEFORE)
const vhost = useVhost()
let versionBefore: () => VersionBefore

async function openBoth({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const options = { url: vhost.url, namespace: unique('both'), logger: false } as const
  const [before, now] = await Promise.all([versionBefore().connect(options), connect(options)])
  onTestFinished(async () => {
    await Promise.all([before, now].map((mq) => mq.close({ drainTimeoutMs: 2000 })))
  })
  return { before, now, queue: unique('compat') }
}

describe.skipIf(why !== '').concurrent(`beside the last version without cancellations${why}`, () => {
  versionBefore = useVersionBefore(BEFORE)

  test.for([
    ['that version schedules, this one consumes', 'before', 'now'],
    ['this version schedules, that one consumes', 'now', 'before'],
  ] as const)('%s: no message is lost, early or handled twice', async ([, from, to], context) => {
    const { queue, ...versions } = await openBoth(context)
    const recorder = await Recorder.on(versions[to], queue)
    await scheduleNotes(versions[from], queue, COUNT, 0)
    await recorder.has(COUNT)
    expect(recorder.numbers.toSorted(ascending)).toEqual(numbers(COUNT))
    expect(recorder.early).toEqual([])
  })

  test('both schedule and consume one queue: no message is lost, early or handled twice', async (context) => {
    const { before, now, queue } = await openBoth(context)
    const recorders = [await Recorder.on(before, queue), await Recorder.on(now, queue)]
    await Promise.all([scheduleNotes(before, queue, COUNT, 0), scheduleNotes(now, queue, COUNT, COUNT)])
    const handled = () => recorders.flatMap((recorder) => recorder.numbers)
    await poll(() => handled().length >= 2 * COUNT, { timeoutMs: 30_000, what: 'all messages' })
    expect(handled().toSorted(ascending)).toEqual(numbers(2 * COUNT))
    expect(recorders.flatMap(({ early }) => early)).toEqual([])
  })

  test('this version cancels messages of that one, by its receipts', async (context) => {
    const { before, now, queue } = await openBoth(context)
    const seen: number[] = []
    const consumer = await now.consume(queue, [on(note, ({ payload }) => void seen.push(payload.n))])
    const schedule = (n: number) => before.schedule(note, { n }, { to: { queue }, in: 10_000 })
    // Declares the rungs, whose first confirm takes its time.
    await before.schedule(note, { n: 0 }, { to: { queue: unique('warm') }, in: 10_000, declare: true })
    const receipts = await Promise.all([0, 1, 2].map(schedule))
    expect(await now.cancel(receipts[1]!)).toBe('cancelled')
    await poll(() => seen.length + consumer.stats().cancelled === 3, { what: 'all three to be settled' })
    expect(seen.toSorted(ascending)).toEqual([0, 2])
  })

  test('this version drops a retry of that one', async (context) => {
    const { before, now, queue } = await openBoth(context)
    let attempts = 0
    const failing = on(note, () => {
      attempts++
      throw new Error('not yet')
    })
    const retry = { backoff: '3s', jitter: 'none' } as const
    const failed = await before.consume(queue, [failing], { retry })
    const receipt = await before.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
    await poll(() => failed.stats().retried > 0, { what: 'the retry to wait' })
    await before.close()
    const attemptsBefore = attempts
    expect(await now.cancel(receipt)).toBe('too-late')
    const consumer = await now.consume(queue, [failing])
    await poll(() => consumer.stats().cancelled === 1, { what: 'the retry to be dropped' })
    expect(attempts).toBe(attemptsBefore)
  })

  test('that version ignores cancellations: it handles cancelled messages, and both copies of a rescheduled one', async (context) => {
    const { before, now, queue } = await openBoth(context)
    const recorder = await Recorder.on(before, queue)
    const schedule = (n: number) => now.schedule(note, { n }, { to: { queue }, in: 5000 })
    const [cancelled, moved] = await Promise.all([schedule(0), schedule(1)])
    await now.cancel(cancelled)
    const content = { message: note, payload: { n: 2 } }
    await now.reschedule(moved, { in: 5500 }, content)
    await recorder.has(3)
    expect(recorder.numbers.toSorted(ascending)).toEqual([0, 1, 2])
    expect(recorder.early).toEqual([])
  })
})
