import { connect } from 'amqplib'
import { expect, it, onTestFinished } from 'vitest'
import { poll } from '../../../../scripts/broker/poll.js'
import { closeChannel } from '../../../../src/amqp/connection/close-channel.js'
import { socketOf } from '../../../../src/amqp/connection/socket.js'
import { amqpServer, methodId, type AmqpServerOptions } from '../../../support/amqp-server.js'

async function open(options?: AmqpServerOptions) {
  const server = await amqpServer({ product: 'RabbitMQ', version: '4.3.0' }, options)
  const model = await connect(server.url)
  model.on('error', () => undefined)
  const lose = () => void socketOf(model)?.destroy(new Error('over'))
  onTestFinished(lose)
  return { server, lose, channel: await model.createChannel() }
}

it('resolves with the answer of the broker, and for a channel that is closed already', async () => {
  const { channel } = await open()
  await closeChannel(channel)
  await closeChannel(channel)
})

it('resolves when the connection is lost before the answer, which amqplib then never tells', async () => {
  const { server, channel, lose } = await open({ answers: { ChannelClose: undefined } })
  let isClosed = false
  const closing = closeChannel(channel).then(() => (isClosed = true))
  await poll(() => server.received.some(({ id }) => id === methodId('ChannelClose')), { what: 'the close' })
  expect(isClosed).toBe(false)
  lose()
  await closing
})
