import { connect as connectRaw } from 'amqplib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AmqpConnection } from '../../src/amqp/connection/connection.js'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { quietEvents } from '../../src/amqp/connection/quiet-events.js'
import { Declarer } from '../../src/amqp/topology/declarer.js'
import { queue } from '../../src/amqp/topology/part.js'
import { silent } from '../../src/base/logger.js'
import { unique } from '../strategies/recorder.js'
import { methodId } from '../support/amqp-server.js'
import { ConfirmProxy } from '../support/confirm-proxy.js'
import { useVhost } from '../support/broker.js'

const vhost = useVhost()

/** A declarer that takes half a second for silence. */
async function world() {
  const proxy = await ConfirmProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const [warn, disconnected] = [vi.fn(), vi.fn()]
  const settings = {
    endpoints: parseEndpoints(proxy.url),
    name: 'silence',
    heartbeatSeconds: 30,
    connectTimeoutMs: 30_000,
    tls: {},
    logger: { ...silent, warn },
  }
  const connection = new AmqpConnection(settings, quietEvents({ disconnected }))
  await connection.open()
  onTestFinished(() => connection.close())
  const declarer = new Declarer(connection, settings, 0, 500)
  const declare = async () => {
    const name = unique('silent')
    await declarer.declare(queue(name, { 'x-queue-type': 'quorum' }))
    return name
  }
  return { proxy, warn, disconnected, declarer, declare }
}

async function exists(name: string): Promise<boolean> {
  const model = await connectRaw(vhost.url)
  onTestFinished(() => model.close())
  const channel = await model.createChannel()
  return (await channel.checkQueue(name)).queue === name
}

test.each([
  ['a declaration', 'QueueDeclareOk'],
  ['the opening of its channel', 'ChannelOpenOk'],
])('whose answer is lost, %s is sent again, and so are those behind it', async (_, answer) => {
  const { proxy, warn, declare } = await world()
  let answers = 0
  proxy.swallowsAnswer = (method) => method === methodId(answer) && ++answers === 1
  const [first, second] = await Promise.all([declare(), declare()])
  expect(answers).toBeGreaterThan(1)
  expect(warn.mock.calls).toContainEqual([
    expect.stringContaining('sent again on another channel'),
    { what: `queue ${first}` },
  ])
  expect(await Promise.all([first, second].map(exists))).toEqual([true, true])
})

test.each([
  ['anything else', ''],
  ['but for its channel', 'ChannelCloseOk'],
])('a declaration without an answer costs no connection if the broker answers %s', async (_, other) => {
  const { proxy, disconnected, declare } = await world()
  await declare()
  let answers = 0
  // Twice as long each time.
  proxy.swallowsAnswer = (method) =>
    (other !== '' && method === methodId(other)) || (method === methodId('QueueDeclareOk') && ++answers <= 2)
  const startedAt = performance.now()
  await declare()
  expect(performance.now() - startedAt).toBeGreaterThan(1400)
  expect(disconnected).not.toHaveBeenCalled()
})

test('a deletion without an answer is not repeated', async () => {
  const { proxy, declarer, declare } = await world()
  const name = await declare()
  const part = queue(name, { 'x-queue-type': 'quorum' })
  proxy.swallowsAnswer = (method) => method === methodId('QueueDeleteOk')
  await expect(declarer.delete(part)).rejects.toMatchObject({ code: 'BROKER_ERROR' })
  await declarer.declare(part)
  expect(await exists(name)).toBe(true)
})

test('a declaration without an answer costs the connection if no other channel can be opened', async () => {
  const { proxy, disconnected, declare } = await world()
  let isSilent = true
  proxy.swallowsAnswer = () => isSilent
  disconnected.mockImplementation(() => (isSilent = false))
  expect(await exists(await declare())).toBe(true)
  expect(disconnected).toHaveBeenCalledOnce()
})
