import { expect, test, type TestContext } from 'vitest'
import { connect } from '../../../src/index.js'
import { unique } from '../../strategies/recorder.js'
import { createVhost, management, managementUrl } from '../../support/broker.js'
import { beat, OccurrenceLog } from './occurrence-log.js'

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
  return { vhost, mq, log, id }
}

const skipped = managementUrl() === undefined ? ' (skipped: no management API)' : ''

test.skipIf(skipped !== '').concurrent.for([
  ['', false],
  [' from its definitions', true],
] as const)(
  `a virtual host that is made anew%s is repaired under a running ticker${skipped}`,
  async ([, imports], context) => {
    const { vhost, log, id } = await world(context)
    const definitions = imports ? await management(`/definitions/${vhost.name}`) : undefined
    const [permissions] = await management<{ user: string }[]>(`/vhosts/${vhost.name}/permissions`)
    await management(`/vhosts/${vhost.name}`, { method: 'DELETE' })
    await management(`/vhosts/${vhost.name}`, { method: 'PUT' })
    const user = encodeURIComponent(permissions!.user)
    await management(`/permissions/${vhost.name}/${user}`, { method: 'PUT', body: permissions })
    if (definitions) await management(`/definitions/${vhost.name}`, { method: 'POST', body: definitions })
    await log.through(id, Date.now() + 3000)
    const times = log.of(id).map(({ time }) => time)
    expect(new Set(times).size).toBe(times.length)
  },
)
