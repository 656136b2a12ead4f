import { expect, test, vi, type TestContext } from 'vitest'
import { connect, type Telemetry } from '../../../src/index.js'
import { isoTime } from '../../../src/message/iso-time.js'
import { unique } from '../../strategies/recorder.js'
import { createVhost, management, managementUrl, poll } from '../../support/broker.js'
import { isBefore } from '../../support/version.js'
import { beat, OccurrenceLog } from './occurrence-log.js'

vi.setConfig({ testTimeout: 300_000 })

/** Without another occurrence for so long, those of a window are scheduled. */
const AT_REST_MS = 3000

/** A virtual host of its own, with a process that sets, sends and consumes a schedule of every second. */
async function world({ onTestFinished }: TestContext) {
  const vhost = await createVhost()
  onTestFinished(() => vhost.drop())
  let [running, scheduledAt] = [0, Infinity]
  const telemetry: Telemetry = {
    async schedule(_info, _headers, run) {
      running++
      try {
        return await run()
      } finally {
        running--
        scheduledAt = Date.now()
      }
    },
  }
  const mq = await connect({ url: vhost.url, logger: false, telemetry })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  mq.on('error', () => undefined)
  const id = unique('schedule')
  const log = await OccurrenceLog.on(mq, 'occurrences')
  const to = { queue: 'occurrences' }
  await mq.recurring.set(id, { message: beat, payload: { kind: 'x' }, to, every: '1s', catchUp: 'all' })
  await log.through(id, Date.now() + 1000)
  const atRest = () =>
    poll(() => running === 0 && Date.now() - scheduledAt > AT_REST_MS, {
      what: 'the occurrences of a window',
      timeoutMs: 60_000,
    })
  return { mq, name: vhost.name, log, id, atRest }
}

const skipped = managementUrl() === undefined ? ' (skipped: no management API)' : ''

test.skipIf(skipped !== '').concurrent.for([
  ['', { imports: false, rests: false }],
  [' with its queues', { imports: true, rests: false }],
  [' while the occurrences of minutes wait', { imports: false, rests: true }],
] as const)(
  `a virtual host that is made anew%s is repaired under a running ticker${skipped}`,
  async ([, { imports, rests }], context) => {
    const { rabbitmq_version: version } = await management<{ rabbitmq_version: string }>('/overview')
    // If a rung is deleted while it is declared, that node dead-letters nothing any more.
    context.skip(isBefore(version, [3, 10, 20]), `RabbitMQ ${version} may stop dead-lettering for every other test`)
    const { mq, name, log, id, atRest } = await world(context)
    if (rests) await atRest()
    const { queues } = await management<{ queues: unknown[] }>(`/definitions/${name}`)
    const [permissions] = await management<{ user: string }[]>(`/vhosts/${name}/permissions`)
    const deletedAt = Date.now()
    await management(`/vhosts/${name}`, { method: 'DELETE' })
    await management(`/vhosts/${name}`, { method: 'PUT' })
    const user = encodeURIComponent(permissions!.user)
    await management(`/permissions/${name}/${user}`, { method: 'PUT', body: permissions })
    if (imports) await management(`/definitions/${name}`, { method: 'POST', body: { queues } })
    const repairedAt = () => Date.parse(mq.health().recurring?.repairedAt ?? '')
    await poll(() => repairedAt() > deletedAt, { what: 'a repair', timeoutMs: 120_000 })
    const times = () => log.of(id).map(({ time }) => time)
    const first = Math.ceil((Date.now() - times()[0]!) / 1000) * 1000 + times()[0]!
    const next = Array.from({ length: 5 }, (_, n) => first + n * 1000)
    const isThere = (time: number) => times().includes(time)
    await poll(() => next.every(isThere), { what: `the times from ${isoTime(first)} on`, timeoutMs: 90_000 })
    expect(new Set(times()).size).toBe(times().length)
  },
)
