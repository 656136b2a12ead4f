import { expect, test } from 'vitest'
import { Names } from '../../../src/amqp/topology/names.js'
import { cancellationLayout } from '../../../src/log/log-layout.js'
import { HORIZONS } from '../../../src/log/horizons.js'
import { parseEndpoints } from '../../../src/amqp/connection/endpoint.js'
import { statusReport } from '../../../src/operate/status.js'
import { applyTopology } from '../../../src/operate/topology/apply.js'
import { LiveRecords } from '../../../src/operate/topology/live-records.js'
import { deleteParts, withDeclarer } from '../../../src/operate/topology/parts.js'
import { removeTopology } from '../../../src/operate/topology/remove.js'
import { verifyTopology } from '../../../src/operate/topology/verify.js'
import { resolveOptions } from '../../../src/options.js'
import { unique } from '../../strategies/recorder.js'
import { applyCancellations } from '../../strategies/trust-world.js'
import { managementUrl, useVhost } from '../../support/broker.js'
import { failure, open, rawChannel } from '../../support/mq.js'

const vhost = useVhost()
const HOUR = 3_600_000

function world() {
  const namespace = unique('ns')
  const layout = cancellationLayout(new Names(namespace))
  const streams = HORIZONS.map((horizon) => layout.stream(horizon))
  // Classic queues are declared quickly.
  const options = {
    url: vhost.url,
    logger: false,
    namespace,
    queueType: 'classic',
    management: managementUrl(),
  } as const
  return { namespace, layout, streams, options, cancelling: () => open(vhost.url, { namespace }) }
}

const needed = managementUrl() === undefined ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''

test.skipIf(needed !== '')(`verify compares the streams with those that dueque declares${needed}`, async () => {
  const { layout, streams, options, namespace } = world()
  const gaps = async () => {
    const { gaps } = await verifyTopology(options)
    return gaps.filter((gap) => gap.name.startsWith(layout.exchange))
  }
  const missing = streams.map((name) => ({ kind: 'queue', name, change: 'missing' }))
  expect(await gaps()).toEqual([{ kind: 'exchange', name: layout.exchange, change: 'missing' }, ...missing])
  await applyCancellations(vhost.url, namespace)
  expect(await gaps()).toEqual([])

  const channel = await rawChannel(vhost.url)
  const [stream, args] = [streams[1]!, { 'x-queue-type': 'stream', 'x-max-age': '1h' }]
  await channel.deleteQueue(stream)
  await channel.assertQueue(stream, { arguments: args })
  const [gap, unbound] = await gaps()
  expect(gap).toMatchObject({ kind: 'queue', name: stream, change: 'differs' })
  expect(gap).toHaveProperty('differences', expect.arrayContaining(['x-max-age is "1h", not "176h"']))
  expect(unbound).toMatchObject({ kind: 'binding', name: stream, key: '8h', change: 'missing' })
  expect(await failure(applyTopology(options))).toMatchObject({
    code: 'TOPOLOGY_MISMATCH',
    data: { resource: `queue ${stream}` },
  })
})

test.skipIf(needed !== '')(
  `delete refuses while a stream has cancellations of messages that are not due, and leaves others out of account${needed}`,
  async () => {
    const { layout, streams, options, namespace, cancelling } = world()
    const mq = await cancelling()
    const inAnHour = new Date(Date.now() + HOUR - 1000)
    await mq.cancel({ id: 'over', dueAt: new Date(Date.now() - 1000) })
    expect(await removeTopology(options)).not.toHaveProperty('refused')

    await applyCancellations(vhost.url, namespace)
    await Promise.all(['a', 'b'].map((id) => mq.cancel({ id, dueAt: inAnHour })))
    await mq.cancel('due at an unknown time')
    expect(await removeTopology(options)).toEqual({
      changes: [],
      refused: { name: streams[0], messages: 2, what: 'cancellations', moreQueues: 1 },
    })
    const { waiting, parked } = await statusReport(options)
    expect({ waiting, parked }).toMatchObject({ waiting: { messages: 0, rungs: [] } })
    const { changes } = await removeTopology({ ...options, force: true })
    const names = changes.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([layout.exchange, ...streams]))
  },
)

test('a stream that gets a cancellation after the count is not deleted', async () => {
  const { layout, streams, namespace, cancelling } = world()
  await applyCancellations(vhost.url, namespace)
  const settings = { ...resolveOptions({ url: vhost.url, logger: false }), endpoints: parseEndpoints(vhost.url) }
  const counted = HORIZONS.map((horizon) => ({ name: layout.stream(horizon), horizon, log: layout.kind }))
  const mq = await cancelling()
  const deletion = await withDeclarer(settings, async (declarer, connection) => {
    const live = await LiveRecords.open(connection, counted, settings.logger)
    expect(await live.all()).toEqual([])
    await mq.cancel({ id: 'late', dueAt: new Date(Date.now() + 2 * HOUR) })
    try {
      return await deleteParts(declarer, layout.parts(), { force: false, live })
    } finally {
      await live.close()
    }
  })
  expect(deletion.stopped).toEqual({ name: streams[1], messages: 1, what: 'cancellations' })
  expect(deletion.changes.map(({ name }) => name)).toEqual(streams.slice(2).toReversed())
})
