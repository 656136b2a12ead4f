import { describe, expect, test, vi, type TestContext } from 'vitest'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { connect } from '../../src/index.js'
import { unique } from '../strategies/recorder.js'
import { startCluster } from '../support/broker.js'
import { isBefore } from '../support/version.js'
import { CancelledMinute, COUNT, MINUTE } from './cancelled-minute.js'
import { HandlerLog } from './handler-log.js'

vi.setConfig({ testTimeout: 600_000 })

const noNodes = process.env['DUEQUE_RABBITMQ_BIN'] === undefined

describe.skipIf(noNodes)('a cluster of three (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  test(`a node is lost while half of ${COUNT} messages are cancelled: none cancelled is handled, all others are`, async (test) => {
    const cluster = await ownCluster(test)
    const [first, second, third] = cluster.nodes.map(({ url }) => url) as [string, string, string]
    const lost = cluster.nodes[2]!
    const mq = await connect({ url: cluster.urls, publishTimeoutMs: 120_000 })
    test.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }), 180_000)
    // The consumer of the second waits for the lost node, and reads what that has of the records when it comes back.
    const [elsewhere, bound] = [new HandlerLog(unique('elsewhere'), test), new HandlerLog(unique('bound'), test)]
    const consumers = await Promise.all([
      elsewhere.consumer(third, first, second),
      elsewhere.consumer(second, first),
      bound.consumer(third),
    ])
    const minutes = [
      await CancelledMinute.schedule(mq, elsewhere, MINUTE),
      await CancelledMinute.schedule(mq, bound, { ...MINUTE, count: COUNT / 5 }),
    ] as const
    const cancelled = minutes.map((minute) => minute.cancelHalf())
    const loseIt = () => {
      for (const minute of minutes) minute.faulty()
      return lost.kill()
    }
    const [{ firstDueAt, lastDueAt, until }] = minutes
    await until(firstDueAt + MINUTE.overMs / 4)
    await loseIt()
    await until(firstDueAt + MINUTE.overMs / 2)
    await lost.restart()
    await until(lastDueAt - 3000)
    await loseIt()
    await lost.restart()
    await Promise.all(cancelled)
    for (const minute of minutes) {
      const answers = await minute.account()
      console.info(answers)
      expect(answers.cancelled).toBeGreaterThan(minute.count / 20)
    }
    const closed = consumers.map((child, i) => (i === 2 ? bound : elsewhere).close(child))
    console.info(...(await Promise.all(closed)))
  })
})

/** Its nodes get killed: no other test may use it. */
async function ownCluster(test: TestContext): Promise<PrivateCluster> {
  const cluster = (await startCluster())!
  test.onTestFinished(() => cluster.stop(), 60_000)
  const { version } = cluster.nodes[0]!
  test.skip(
    isBefore(version, [3, 10, 20]),
    `on RabbitMQ ${version} some messages stay with the dead-letter worker of a rung, see docs/operations.md`,
  )
  return cluster
}
