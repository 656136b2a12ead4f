import { expect, test, vi, type TestContext } from 'vitest'
import { connect } from '../../../src/index.js'
import { unique } from '../../strategies/recorder.js'
import { createVhost, management, managementUrl } from '../../support/broker.js'
import { isBefore } from '../../support/version.js'
import { beat, OccurrenceLog } from './occurrence-log.js'

vi.setConfig({ testTimeout: 300_000 })

/** A virtual host of its own, with a process that sets, sends and consumes a schedule of every second. */
async function world({ onTestFinished }: TestContext) {
  const vhost = await createVhost()
  onTestFinished(() => vhost.drop())
  const mq = await connect({ url: vhost.url, logger: false })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  mq.on('error', () => undefined)
  const id = unique('schedule')
  const log = await OccurrenceLog.on(mq, 'occurrences')
  await mq.recurring.set(id, { message: beat, payload: { kind: 'x' }, to: { queue: 'occurrences' }, every: '1s' })
  await log.through(id, Date.now() + 1000)
  return { name: vhost.name, log, id }
}

const skipped = managementUrl() === undefined ? ' (skipped: no management API)' : ''

test.skipIf(skipped !== '').concurrent.for([
  ['', false],
  [' with its queues', true],
] as const)(
  `a virtual host that is made anew%s is repaired under a running ticker${skipped}`,
  async ([, imports], context) => {
    const { rabbitmq_version: version } = await management<{ rabbitmq_version: string }>('/overview')
    // If a rung is deleted while it is declared, that node dead-letters nothing any more.
    context.skip(isBefore(version, [3, 10, 20]), `RabbitMQ ${version} may stop dead-lettering for every other test`)
    const { name, log, id } = await world(context)
    const { queues } = await management<{ queues: unknown[] }>(`/definitions/${name}`)
    const [permissions] = await management<{ user: string }[]>(`/vhosts/${name}/permissions`)
    await management(`/vhosts/${name}`, { method: 'DELETE' })
    await management(`/vhosts/${name}`, { method: 'PUT' })
    const user = encodeURIComponent(permissions!.user)
    await management(`/permissions/${name}/${user}`, { method: 'PUT', body: permissions })
    if (imports) await management(`/definitions/${name}`, { method: 'POST', body: { queues } })
    // Schedules of before end when their publishTimeoutMs is over.
    await log.through(id, Date.now() + 3000, 200_000)
    const times = log.of(id).map(({ time }) => time)
    expect(new Set(times).size).toBe(times.length)
  },
)
