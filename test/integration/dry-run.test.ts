import type { Channel } from 'amqplib'
import { beforeEach, expect, test } from 'vitest'
import { onAny } from '../../src/index.js'
import { deadMessages } from '../../src/operate/failed/dead-messages.js'
import { parkedMessages } from '../../src/operate/failed/parked-messages.js'
import { purgeFailed } from '../../src/operate/failed/purge-failed.js'
import { redriveFailed, type RedriveResult } from '../../src/operate/failed/redrive-failed.js'
import { copyExchange } from '../../src/operate/leave-plugin/copy-exchange.js'
import { applyTopology } from '../../src/operate/topology/apply.js'
import { removeTopology } from '../../src/operate/topology/remove.js'
import { unique } from '../strategies/recorder.js'
import { management, managementUrl, useVhost } from '../support/broker.js'
import { bury } from '../support/dead.js'
import { open, rawChannel } from '../support/mq.js'
import { holds, idsIn, park, PARKED } from '../support/parked.js'

const vhost = useVhost()
const url = managementUrl()
const skipped = url === undefined ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''
let channel: Channel

beforeEach(async () => {
  const mq = await open(vhost.url)
  await mq.close()
  channel = await rawChannel(vhost.url)
})

const here = (namespace = 'dueque') => ({ url: vhost.url, namespace, management: url, logger: false as const })
/** Every queue, exchange and binding of the virtual host. */
const definitions = () => management(`/definitions/${vhost.name}`)

/** The fates of the messages of a dry run, by their ids. */
async function fates(work: (onResult: (result: RedriveResult) => void) => Promise<unknown>): Promise<object> {
  const results: Record<string, string> = {}
  await work((result) => {
    results[result.id!] = 'sent' in result ? 'sent' : 'expired' in result ? 'expired' : result.error.code
  })
  return results
}

test.skipIf(url === undefined)(
  `a redrive tells what would become of parked messages, and leaves them, and the broker, as they are${skipped}`,
  async () => {
    const [bound, unbound, gone] = [unique('bound'), unique('unbound'), unique('gone')]
    for (const queue of [bound, unbound]) await channel.assertQueue(queue)
    await channel.bindQueue(bound, 'dueque.v1.deliver', `dq~queue~${bound}`)
    const parked = { a: bound, b: unbound, c: gone }
    await park(
      channel,
      Object.entries(parked).map(([id, queue]) => ({ id, to: `queue:${queue}` })),
    )
    const before = await definitions()
    const dry = { ...here(), dryRun: true }
    const plain = await fates((onResult) => redriveFailed(parkedMessages, { ...dry, onResult }))
    expect(plain).toEqual({ a: 'sent', b: 'NOT_BOUND', c: 'DESTINATION_MISSING' })
    await holds(channel, PARKED, 3)
    const bind = [{ queue: unbound }, { queue: gone }]
    const named = await fates((onResult) => redriveFailed(parkedMessages, { ...dry, bind, declare: true, onResult }))
    expect(named).toEqual({ a: 'sent', b: 'sent', c: 'sent' })
    await holds(channel, PARKED, 3)
    expect(await redriveFailed(parkedMessages, { ...dry, limit: 1, filter: { id: ['a', 'z'] } })).toMatchObject({
      ...{ sent: 1, left: 0 },
      missing: ['z'],
    })
    expect(await definitions()).toEqual(before)
    for (const queue of [bound, unbound]) expect((await channel.checkQueue(queue)).messageCount).toBe(0)
    await holds(channel, PARKED, 3)
    expect(await idsIn(channel, PARKED)).toEqual(['a', 'b', 'c'])
  },
)

test('a purge counts the messages that it would remove, asks nothing, and removes none', async () => {
  const queue = unique('notes')
  const mq = await open(vhost.url)
  await (await mq.consume(queue, [onAny(() => undefined)])).close()
  await bury(channel, queue, [{ id: 'a' }, { id: 'b', reason: 'expired' }, { id: 'c' }])
  const dry = { ...here(), dryRun: true, confirm: () => Promise.reject(new Error('asked')) }
  const kind = deadMessages(queue)
  expect(await purgeFailed(kind, { ...dry, filter: { reason: ['expired'] } })).toMatchObject({ removed: 1 })
  await holds(channel, `${queue}.dead`, 3)
  expect(await purgeFailed(kind, { ...dry, filter: { id: ['c', 'z'] } })).toMatchObject({ removed: 1, missing: ['z'] })
  await holds(channel, `${queue}.dead`, 3)
  expect(await purgeFailed(kind, dry)).toMatchObject({ removed: 3, confirmed: true })
  await holds(channel, `${queue}.dead`, 3)
  expect(await idsIn(channel, `${queue}.dead`)).toEqual(['a', 'b', 'c'])
})

test.skipIf(url === undefined)(
  `apply and delete of a topology list what they would declare and delete, and change nothing${skipped}`,
  async () => {
    const [namespace, queue] = [unique('ns'), unique('work')]
    const mq = await open(vhost.url, { namespace })
    await (await mq.consume(queue, [onAny(() => undefined)])).close()
    await mq.close()
    const before = await definitions()
    const options = { ...here(namespace), dryRun: true }
    const applied = await applyTopology({ ...options, queues: [queue] })
    const change = (name: string) => applied.find((one) => one.name === name)?.change
    expect([`${namespace}.v1.wait.30d`, queue, `${namespace}.v1.parked`].map(change)).toEqual([
      'created',
      'unchanged',
      'unchanged',
    ])
    const { changes, refused } = await removeTopology(options)
    expect(refused).toBeUndefined()
    expect(changes).toContainEqual({ kind: 'queue', name: `${namespace}.v1.parked`, change: 'deleted' })
    expect(changes).toContainEqual({ kind: 'exchange', name: `${namespace}.v1.deliver`, change: 'deleted' })
    expect(await definitions()).toEqual(before)
  },
)

test.skipIf(url === undefined)(
  `a copy of an exchange tells what would be declared, and declares nothing${skipped}`,
  async () => {
    const [exchange, queue] = [unique('old'), unique('work')]
    await channel.assertExchange(exchange, 'topic')
    await channel.assertQueue(queue)
    for (const key of ['a.*', 'b.*']) await channel.bindQueue(queue, exchange, key)
    const before = await definitions()
    const dry = { ...here(), dryRun: true }
    const copy = { exchange: `${exchange}.due`, type: 'topic', bindings: 2, boundTo: [] }
    expect(await copyExchange(exchange, dry)).toEqual({ ...copy, created: true, lacking: 2 })
    expect(await definitions()).toEqual(before)
    await copyExchange(exchange, here())
    await channel.unbindQueue(queue, `${exchange}.due`, 'b.*')
    expect(await copyExchange(exchange, dry)).toEqual({ ...copy, created: false, lacking: 1 })
  },
)
