import { expect, test } from 'vitest'
import { connect } from '../../../../src/index.js'
import { poll } from '../../../../scripts/broker/poll.js'
import { failure } from '../../../support/mq.js'
import { amqpServer } from '../../../support/amqp-server.js'
import { openSockets } from '../../../support/sockets.js'

// LavinMQ's own words: SERVER_PROPERTIES in its src/lavinmq/amqp/connection_factory.cr.
const lavinmq = { product: 'LavinMQ', platform: 'Crystal 1.16.0', version: '2.9.0' }

test('connect refuses LavinMQ, says why, and leaves no connection open', async () => {
  const { url, port } = await amqpServer(lavinmq)
  const error = await failure(connect({ url }))
  expect(error).toMatchObject({ code: 'UNSUPPORTED', outcome: 'refused', data: { feature: 'LavinMQ 2.9.0' } })
  expect((error as Error).message).toContain('no quorum queues')
  await poll(() => openSockets(port) === 0, { what: 'the connection to be closed' })
})

test('connect refuses a RabbitMQ that is too old', async () => {
  const { url } = await amqpServer({ product: 'RabbitMQ', version: '3.10.1' })
  expect(await failure(connect({ url }))).toMatchObject({
    code: 'UNSUPPORTED',
    data: { feature: 'RabbitMQ 3.10.1' },
  })
})

test('of several URLs that fail, the refused one is named', async () => {
  const { url } = await amqpServer(lavinmq)
  expect(await failure(connect({ url: ['amqp://127.0.0.1:1', url] }))).toMatchObject({ code: 'UNSUPPORTED' })
})
