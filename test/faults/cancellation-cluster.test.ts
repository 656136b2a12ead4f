import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { connect, ladder, on, type DuequeError } from '../../src/index.js'
import { diagnose } from '../../src/operate/doctor/diagnose.js'
import { Recorder, note, unique } from '../strategies/recorder.js'
import { nodeVersion, poll, startCluster } from '../support/broker.js'
import { askJournal } from '../support/journal.js'
import { failure, open } from '../support/mq.js'
import { isBefore } from '../support/version.js'
import { CancelledMinute, COUNT, MINUTE } from './cancelled-minute.js'
import { HandlerLog } from './handler-log.js'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 240_000 })

const version = await nodeVersion()

describe.skipIf(version === undefined)('a cluster of three (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let cluster: PrivateCluster
  beforeAll(async () => {
    cluster = (await startCluster())!
  })
  afterAll(() => cluster.stop(), 60_000)

  test('on a node that loses its replica a consumer reports it, and handles or waits, until the replica is back', async () => {
    const [first] = cluster.nodes as [PrivateNode]
    const producer = await open(first.url)
    await Recorder.on(producer, unique('declares'))
    const leader = await leaderOf(first, 'dueque.v1.cancellations.1h')
    // RabbitMQ shows what was, if the replica of the leader goes.
    const second = cluster.nodes.slice(1).find(({ name }) => name !== leader)!
    const consumer = await open(second.url)
    const errors: DuequeError[] = []
    consumer.on('error', (error) => void errors.push(error))
    const queues = { handle: unique('handle'), wait: unique('wait') }
    const handling = await Recorder.on(consumer, queues.handle)
    const waiting = await Recorder.on(consumer, queues.wait, { onTailDown: 'wait' })
    const schedule = async (n: number) => {
      for (const queue of Object.values(queues)) await producer.schedule(note, { n }, { to: { queue }, in: 0 })
    }
    await schedule(1)
    await Promise.all([handling.has(1), waiting.has(1)])
    const replica = (action: 'add' | 'delete') =>
      first.ctl(
        'eval',
        `rabbit_stream_queue:${action}_replica(<<"/">>, <<"dueque.v1.cancellations.1h">>, '${second.name}').`,
      )
    await replica('delete')
    try {
      await poll(() => errors.length > 0, { what: 'the report', timeoutMs: 120_000 })
      expect(errors[0]).toMatchObject({ code: 'CANCELLATIONS_UNREAD' })
      expect(errors[0]!.message).toContain('dueque.v1.cancellations.1h')
      expect(errors[0]!.message).not.toContain('other properties')
      expect(consumer.health()).toMatchObject({ ok: false, cancellations: { state: 'down' } })
      const told = async () => {
        const here = { url: first.url, management: first.managementUrl, logger: false, roundTrip: false } as const
        const { findings } = await diagnose(here)
        return findings.find(({ code }) => code === 'stream-without-replica')?.what
      }
      await poll(async () => (await told()) !== undefined, { what: 'the finding of doctor', timeoutMs: 120_000 })
      expect(await told()).toContain(`node ${second.name} has no replica of dueque.v1.cancellations.1h`)
      await schedule(2)
      await handling.has(2)
      // It starts, too.
      const late = await consumer.consume(unique('late'), [on(note, () => undefined)])
      await late.close()
      expect(waiting.numbers).toEqual([1])
      // A look at the journal from this node does not wait for the replica.
      await open(first.url, { strategy: ladder({ journal: true }) })
      const asked = (await failure(askJournal(second.url, 'dueque', (journal) => journal.count({})))) as Error
      expect(asked).toMatchObject({ code: 'JOURNAL_UNREAD' })
      expect(asked.message).toContain('replica')
    } finally {
      await replica('add')
    }
    await waiting.has(2, 60_000)
    expect(consumer.health()).toMatchObject({ ok: true, cancellations: { state: 'live' } })
    expect(errors).toHaveLength(1)
  })

  async function leaderOf(node: PrivateNode, stream: string): Promise<string> {
    const shown = await node.ctl('list_queues', '--silent', '--no-table-headers', 'name', 'leader')
    return shown
      .split('\n')
      .find((line) => line.startsWith(`${stream}\t`))!
      .split('\t')[1]!
      .trim()
  }

  // The last: a node gets killed.
  test(`a node is lost while half of ${COUNT} messages are cancelled: none cancelled is handled, all others are`, async (test) => {
    test.skip(
      isBefore(version!, [3, 10, 20]),
      `on RabbitMQ ${version} some messages stay with the dead-letter worker of a rung, see docs/operations/crashes.md`,
    )
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
