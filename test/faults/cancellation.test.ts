import { describe, expect, test, vi, type TestContext } from 'vitest'
import { connect } from '../../src/index.js'
import { unique } from '../strategies/recorder.js'
import type { Child } from '../support/child.js'
import { startNode, useVhost } from '../support/broker.js'
import { isBefore } from '../support/version.js'
import { CancelledMinute, COUNT, MINUTE } from './cancelled-minute.js'
import { HandlerLog } from './handler-log.js'

vi.setConfig({ testTimeout: 400_000 })

const vhost = useVhost()

// Side by side: they mostly wait.
describe.concurrent(`of ${COUNT} messages due within a minute, a random half is cancelled up to 2 s before`, () => {
  test('one of two consumers is killed, and started again: none cancelled is handled, all others are', async (test) => {
    const { log, consumers, schedule } = await begin(test, vhost.url)
    const [killed, other] = consumers
    const minute = await schedule()
    const cancelled = minute.cancelHalf()
    await minute.until(minute.firstDueAt + MINUTE.overMs / 3)
    minute.faulty()
    await killed.kill()
    const successor = await log.consumer(vhost.url)
    await cancelled
    const answers = await minute.account()
    const stats = await Promise.all([other, successor].map((child) => log.close(child)))
    console.info('one killed', answers, ...stats)
    expect(answers.cancelled).toBeGreaterThan(COUNT / 20)
    // On a busy machine the successor may start behind the last of them.
    expect(stats.reduce((sum, { cancelled: dropped }) => sum + dropped, 0)).toBeGreaterThan(0)
  })

  test('both consumers are down across the minute: none cancelled is handled, all others are', async (test) => {
    const { log, consumers, schedule } = await begin(test, vhost.url)
    await Promise.all(consumers.map((child) => child.kill()))
    const minute = await schedule()
    const cancelled = minute.cancelHalf()
    await minute.until(minute.lastDueAt)
    await cancelled
    const successors = await Promise.all([log.consumer(vhost.url), log.consumer(vhost.url)])
    const answers = await minute.account()
    const stats = await Promise.all(successors.map((child) => log.close(child)))
    console.info('both down', answers, ...stats)
    expect(answers.cancelled).toBeGreaterThan(COUNT / 20)
    const [one, two] = stats as [(typeof stats)[0], (typeof stats)[0]]
    expect(one.handled + two.handled + one.cancelled + two.cancelled).toBeGreaterThanOrEqual(COUNT)
  })

  const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined
  test.skipIf(noNode)(
    'the broker is killed once (skipped if DUEQUE_RABBITMQ_BIN is not set): none cancelled is handled, all others are',
    async (test) => {
      const node = (await startNode({ management: false }))!
      test.onTestFinished(() => node.stop())
      const { log, consumers, schedule } = await begin(test, node.url)
      const minute = await schedule()
      const cancelled = minute.cancelHalf()
      await minute.until(minute.firstDueAt + MINUTE.overMs / 2)
      minute.faulty()
      await node.kill()
      await node.restart()
      await cancelled
      // Of such a broker alone: docs/operations/crashes.md.
      const mayLose = isBefore(node.version, [3, 10, 20])
      const answers = await minute.account({ mayLose })
      const stats = await Promise.all(consumers.map((child) => log.close(child)))
      console.info('broker killed', answers, ...stats)
      expect(answers.cancelled).toBeGreaterThan(COUNT / 20)
    },
  )
})

/** Two consumers, and a producer. */
async function begin(test: TestContext, url: string) {
  const mq = await connect({ url, publishTimeoutMs: 120_000 })
  test.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const log = new HandlerLog(unique('minute'), test)
  const consumers: [Child, Child] = await Promise.all([log.consumer(url), log.consumer(url)])
  return { log, consumers, schedule: () => CancelledMinute.schedule(mq, log, MINUTE) }
}
