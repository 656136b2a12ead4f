import { expect, test } from 'vitest'
import { Names } from '../../../src/amqp/topology/names.js'
import { systemClock } from '../../../src/base/clock.js'
import { ladder, type ConnectOptions, type LadderStrategy } from '../../../src/index.js'
import { recurringLayout } from '../../../src/log/log-layout.js'
import type { DefinitionRecord } from '../../../src/strategies/recurring-definitions.js'
import { unique } from '../../strategies/recorder.js'
import { managementUrl, poll, useVhost } from '../../support/broker.js'
import { failure, open, rawChannel } from '../../support/mq.js'
import { settableClock } from '../../support/settable-clock.js'
import { streamMessages } from '../../support/stream-messages.js'
import { userWith } from '../../support/users.js'

const vhost = useVhost()
const DAY = 86_400_000

/** A namespace with the definitions of one connection. */
async function world(options: Omit<ConnectOptions<LadderStrategy>, 'strategy'> = {}, clock = systemClock) {
  const namespace = unique('ns')
  const layout = recurringLayout(new Names(namespace))
  const stream = layout.exchange
  const connected = async () => {
    const strategy = Object.assign(ladder(), { clock })
    return (await open(vhost.url, { namespace, ...options, strategy })).strategy.definitions
  }
  return { namespace, layout, stream, connected, definitions: await connected() }
}

/** The lines of a stream, without the first records, which have no content. */
async function linesOf(stream: string): Promise<string[]> {
  const messages = await streamMessages(vhost.url, stream)
  return messages.flatMap(({ content }) => content.toString().split('\n').filter(Boolean))
}

const record = (id: string, revision: number, definition?: string): DefinitionRecord => ({ id, revision, definition })

test('records are in the stream as the wire format says, each a persistent line of JSON', async () => {
  const { stream, definitions } = await world()
  await definitions.write(record('daily', 1_800_000_000_000_123, '{"cron":"0 9 * * *"}'))
  await definitions.write(record('daily', 1_800_000_000_000_124))
  expect(await linesOf(stream)).toEqual([
    '{"id":"daily","revision":1800000000000123,"definition":"{\\"cron\\":\\"0 9 * * *\\"}"}',
    '{"id":"daily","revision":1800000000000124,"removed":true}',
  ])
  for (const { properties, fields } of await streamMessages(vhost.url, stream)) {
    expect(properties.deliveryMode).toBe(2)
    expect([fields.exchange, fields.routingKey]).toEqual([stream, ''])
    expect(Math.abs(Number(properties.timestamp) * 1000 - Date.now())).toBeLessThan(120_000)
  }
})

test('lines that are no records are skipped and logged, and the others count', async () => {
  const warnings: string[] = []
  const none = () => undefined
  const logger = { debug: none, info: none, warn: (text: string) => void warnings.push(text), error: none }
  const { stream, definitions } = await world({ logger })
  await definitions.write(record('a', 1, '"1"'))
  const channel = await rawChannel(vhost.url)
  channel.publish(stream, '', Buffer.from('no JSON\n{"id":"b"}\n{"id":"c","revision":2,"definition":"{}"}'))
  channel.publish(stream, '', Buffer.from([0xff, 0xfe, 0x0a]))
  await poll(async () => (await definitions.get('c')) !== undefined, { timeoutMs: 10_000, what: 'the record behind' })
  expect(await definitions.get('a')).toEqual(record('a', 1, '"1"'))
  await definitions.write(record('d', 1, '"1"'))
  expect(await definitions.get('d')).toEqual(record('d', 1, '"1"'))
  expect(warnings.filter((text) => text.includes('could not be read'))).toHaveLength(1)
})

test('definitions whose stream was deleted are written again by renew, removed ones are not, and others go on', async () => {
  const { stream, definitions, connected } = await world()
  const records = Array.from({ length: 2500 }, (_, n) => record(`id ${n}`, 10 + n, `"${n}"`))
  await Promise.all([...records, record('gone', 1, '{}')].map((one) => definitions.write(one)))
  await definitions.write(record('gone', 2))
  const other = await connected()
  expect(await other.get('id 1')).toEqual(records[1])
  const lost: string[] = []
  const renew = () => definitions.renew!((id) => void lost.push(id))
  await renew()
  expect(await linesOf(stream)).toHaveLength(2502)
  expect(lost).toEqual([])

  await (await rawChannel(vhost.url)).deleteQueue(stream)
  await poll(() => renew().then(() => true), { timeoutMs: 30_000, what: 'the renewal' })
  expect(new Set(lost)).toEqual(new Set(records.map(({ id }) => id)))
  const again = await linesOf(stream)
  expect(new Set(again.map((line) => (JSON.parse(line) as DefinitionRecord).id)).size).toBe(2500)
  const later = await connected()
  for (const one of [records[0]!, records[2499]!]) expect(await later.get(one.id)).toEqual(one)
  expect(await later.get('gone')).toBeUndefined()
  await later.write(record('id 1', 20_000, '"new"'))
  expect((await other.get('id 1'))?.definition).toBe('"new"')
})

test('a process whose definitions were lost is told so, also if another one has written them again', async () => {
  const { stream, definitions, connected } = await world()
  await Promise.all(['a', 'b'].map((id) => definitions.write(record(id, 1, '{}'))))
  const other = await connected()
  expect(await other.get('b')).toEqual(record('b', 1, '{}'))
  await (await rawChannel(vhost.url)).deleteQueue(stream)
  // It dies before it has done anything else.
  await poll(() => other.renew!().then(() => true), { timeoutMs: 30_000, what: 'the renewal' })
  const ids = (await linesOf(stream)).map((line) => (JSON.parse(line) as DefinitionRecord).id)
  expect(new Set(ids)).toEqual(new Set(['a', 'b']))
  for (const expected of [['a', 'b'], []]) {
    const lost: string[] = []
    await definitions.renew!((id) => void lost.push(id))
    expect(lost.sort()).toEqual(expected)
  }
})

test('a definition is written again when its last record is 30 days old, and a process that starts then knows it', async () => {
  const clock = settableClock()
  const { stream, definitions, connected } = await world({}, clock)
  await definitions.write(record('kept', 1, '{}'))
  await definitions.write(record('gone', 1, '{}'))
  await definitions.write(record('gone', 2))
  clock.set(29 * DAY)
  await definitions.renew!()
  expect(await linesOf(stream)).toHaveLength(3)
  clock.set(31 * DAY)
  await definitions.renew!()
  const kept = '{"id":"kept","revision":1,"definition":"{}"}'
  expect((await linesOf(stream)).slice(3)).toEqual([kept])
  // Several periods later: it was written again within the last 30 days.
  await (
    await connected()
  ).renew!()
  expect(await linesOf(stream)).toHaveLength(4)
  clock.set(200 * DAY)
  const later = await connected()
  await later.renew!()
  expect((await linesOf(stream)).slice(4)).toEqual([kept])
  expect(await later.get('gone')).toBeUndefined()
})

test('with topology trust and no stream, the error names the command that declares it', async () => {
  const { namespace } = await world()
  const { definitions } = (await open(vhost.url, { namespace, topology: 'trust' })).strategy
  const error = (await failure(definitions.write(record('a', 1, '{}')))) as Error
  expect(error).toMatchObject({ code: 'TOPOLOGY_MISSING' })
  expect(error.message).toContain('dueque topology apply --recurring')
})

test('questions declare nothing, and find what another process declares later', async () => {
  const { namespace, stream, definitions, connected } = await world()
  const mq = await open(vhost.url, { namespace })
  expect([await definitions.get('a'), await mq.recurring.get('a')]).toEqual([undefined, undefined])
  expect(await mq.recurring.list()).toEqual({ schedules: [], cursor: undefined })
  expect(await mq.recurring.remove('a')).toBe(false)
  for await (const one of definitions.all()) expect(one).toBeUndefined()
  await definitions.renew!()
  for (const name of [stream, `${namespace}.v1.ticks`])
    expect(await failure((await rawChannel(vhost.url)).checkQueue(name))).toMatchObject({ code: 404 })
  await (await connected()).write(record('a', 1, '{}'))
  expect(await definitions.get('a')).toEqual(record('a', 1, '{}'))
})

test('a stream with other arguments is refused by name', async () => {
  const { stream, definitions } = await world()
  const channel = await rawChannel(vhost.url)
  await channel.assertQueue(stream, { durable: true, arguments: { 'x-queue-type': 'stream', 'x-max-age': '1D' } })
  expect(await failure(definitions.get('a'))).toMatchObject({
    code: 'TOPOLOGY_MISMATCH',
    data: { resource: `queue ${stream}` },
  })
  await channel.deleteQueue(stream)
  expect(await definitions.get('a')).toBeUndefined()
})

test.skipIf(managementUrl() === undefined)(
  'a user without the right to read cannot look, and is told which right (needs the management API)',
  async () => {
    const { namespace, stream, definitions } = await world()
    await definitions.write(record('a', 1, '{}'))
    const url = await userWith(vhost, {
      configure: '.*',
      write: '.*',
      read: `^${namespace}\\.v1\\.(deliver|unroutable|parked|dead|next\\..*|entry\\..*)$`,
    })
    const { strategy } = await open(url, { namespace })
    const error = (await failure(strategy.definitions.get('a'))) as Error
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', data: { permission: 'read' } })
    expect(error.message).toContain(stream)
  },
)

test('after the end of the strategy each call is refused', async () => {
  const { namespace } = await world()
  const mq = await open(vhost.url, { namespace })
  const { definitions } = mq.strategy
  await definitions.write(record('a', 1, '{}'))
  await mq.close()
  for (const call of [
    () => definitions.get('a'),
    () => definitions.write(record('a', 2, '{}')),
    () => definitions.renew!(),
  ])
    expect(await failure(call())).toMatchObject({ code: 'CLOSED' })
})
