import { describe, expect, test } from 'vitest'
import { connect, isDuequeError, plugin } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { whyNoPlugin } from '../support/delay-plugin.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { PATTERNS, userWith, type Permissions } from '../support/users.js'
import { documents, run } from '../cli/dueque.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'
import { note, Recorder, unique } from './recorder.js'

const vhost = useVhost()
const why = await whyNoPlugin()

describe.skipIf(why !== undefined)(`on a broker with the delayed-message plugin${why ? ` (${why})` : ''}`, () => {
  conformance({ name: 'plugin', make: plugin }, () => new AmqpWorld(vhost.url, plugin))
  const journalled = () => plugin({ journal: true })
  conformance({ name: 'plugin with a journal', make: journalled }, () => new AmqpWorld(vhost.url, journalled))

  test('waiting messages are in the exchange of the plugin, and arrive with a negative delay', async () => {
    const queue = unique('waits')
    const mq = await open(vhost.url, { strategy: plugin() })
    const channel = await rawChannel(vhost.url)
    await channel.assertQueue(queue)
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 1000 })
    expect(await channel.checkQueue(queue)).toMatchObject({ messageCount: 0 })
    await poll(async () => (await channel.checkQueue(queue)).messageCount === 1, {
      what: 'the message',
      timeoutMs: 30_000,
    })
    const taken = await channel.get(queue, { noAck: true })
    if (!taken) throw new Error('nothing there')
    const { headers } = taken.properties
    expect(headers).not.toHaveProperty('BCC')
    expect(headers?.['x-delay']).toBeLessThan(0)
    expect(headers?.['x-delay']).toBeGreaterThanOrEqual(-1000)
    expect(taken.fields).toMatchObject({ routingKey: queue, exchange: 'dueque.v1.delayed' })
  })

  test('with topology: trust, users need no configure permission after dueque topology apply --plugin', async () => {
    const queue = unique('trusted')
    const { code } = await run(['topology', 'apply', '--plugin', '--queue', queue], { AMQP_URL: vhost.url })
    expect(code).toBe(0)
    const as = async (pattern: Permissions) => {
      const write = pattern.write.replace(String.raw`entry\..+`, 'delayed')
      return open(await userWith(vhost, { ...pattern, write }), { strategy: plugin(), topology: 'trust' })
    }
    const producer = await as(PATTERNS.producer)
    const recorder = await Recorder.on(await as(PATTERNS.consumer(queue)), queue)
    await producer.schedule(note, { n: 1 }, { to: { queue }, in: 500 })
    await producer.schedule(note, { n: 0 }, { to: { queue }, in: 0 })
    await recorder.has(2)
    expect(recorder.early).toEqual([])
    expect(recorder.numbers).toEqual([0, 1])

    const channel = await rawChannel(vhost.url)
    await channel.deleteExchange('dueque.v1.delayed')
    expect(await failure(producer.schedule(note, { n: 2 }, { to: { queue }, in: 500 }))).toMatchObject({
      code: 'TOPOLOGY_MISSING',
      message: expect.stringContaining('dueque topology apply --plugin') as string,
    })
  })

  test('refuses a header x-delay of the user', async () => {
    const mq = await open(vhost.url, { strategy: plugin() })
    const options = { to: { queue: unique('own') }, in: 100, declare: true, headers: { 'x-delay': 5 } }
    const refused = await failure(mq.schedule(note, { n: 1 }, options))
    expect(isDuequeError(refused, 'RESERVED_NAME') && refused.outcome).toBe('refused')
  })

  test('an exchange that is deleted while connected is declared again', async () => {
    const queue = unique('deleted')
    const mq = await open(vhost.url, { strategy: plugin() })
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, declare: true })
    const channel = await rawChannel(vhost.url)
    await channel.deleteExchange('dueque.v1.delayed')
    await mq.schedule(note, { n: 2 }, { to: { queue }, in: 200 })
    await poll(async () => (await channel.checkQueue(queue)).messageCount === 2, { what: 'two', timeoutMs: 30_000 })
  })
})

describe.skipIf(why === undefined)(
  `on a broker without the plugin${why ? '' : ' (skipped: this broker has it)'}`,
  () => {
    test('connect is refused, names the versions with the plugin and the alternatives, and leaves nothing open', async () => {
      const refused = await failure(connect({ url: vhost.url, strategy: plugin() }))
      if (!isDuequeError(refused, 'UNSUPPORTED')) throw refused
      expect(refused.data).toEqual({ feature: 'x-delayed-message' })
      expect(refused.message).toMatch(/up to 4\.2.*cannot run on 4\.3.*ladder\(\)/s)
    })

    test('with topology: trust, a schedule fails and names the command that declares the exchange', async () => {
      await open(vhost.url)
      const mq = await open(vhost.url, { strategy: plugin(), topology: 'trust' })
      expect(await failure(mq.schedule(note, { n: 1 }, { to: { queue: 'any' }, in: 500 }))).toMatchObject({
        code: 'TOPOLOGY_MISSING',
        data: { resource: 'dueque.v1.delayed' },
        message: expect.stringContaining('dueque topology apply --plugin') as string,
      })
    })

    test('dueque topology apply --plugin reports this as well, and declares the rest', async () => {
      const { code, stderr } = await run(['topology', 'apply', '--plugin', '--json'], { AMQP_URL: vhost.url })
      expect(code).toBe(4)
      expect(documents(stderr)).toMatchObject([{ error: { code: 'UNSUPPORTED' } }])
      const channel = await rawChannel(vhost.url)
      await channel.checkQueue('dueque.v1.wait.3600d')
    })
  },
)
