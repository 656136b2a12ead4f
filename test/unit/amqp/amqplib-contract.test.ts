/**
 * Undocumented parts of amqplib on which dueque relies: properties of its connection, texts and names of its errors, the
 * order of its events, its encoding. package.json pins amqplib to a minor version. A test that fails after an update names
 * the code that has to follow.
 */
import { once } from 'node:events'
import { connect, type Channel, type ChannelModel, type ConfirmChannel, type Message, type Options } from 'amqplib'
import { expect, it, onTestFinished, vi } from 'vitest'
import { poll } from '../../../scripts/broker/poll.js'
import {
  connectFailure,
  isClientFault,
  isLoss,
  namedExchange,
  notEncodable,
  operationFailure,
  replyCode,
} from '../../../src/amqp/connection/failures.js'
import { readEveryMessage } from '../../../src/amqp/connection/readable.js'
import { gatherWrites, socketOf } from '../../../src/amqp/connection/socket.js'
import { amqpServer, type AmqpServer, type AmqpServerOptions } from '../../support/amqp-server.js'
import { failure } from '../../support/mq.js'
import { fields, fixed } from '../../support/raw-publisher.js'
import { overTheWire } from './amqp-codec.js'

const RABBIT = { product: 'RabbitMQ', version: '4.3.0' }
const BODY = Buffer.from('x')

interface Opened {
  server: AmqpServer
  model: ChannelModel
  channel: ConfirmChannel
}

async function open(options?: AmqpServerOptions): Promise<Opened> {
  const server = await amqpServer(RABBIT, options)
  const model = await connect(server.url)
  model.on('error', () => undefined)
  onTestFinished(() => void socketOf(model)?.destroy(new Error('over')))
  const channel = await model.createConfirmChannel()
  channel.on('error', () => undefined)
  return { server, model, channel }
}

/** Publishes with the callback of a confirm. */
function publish(
  channel: ConfirmChannel,
  options: Options.Publish,
  answered: (error: unknown) => void = () => {},
): void {
  channel.publish('e', 'k', BODY, options, answered)
}

/** The error with which the connection closes. `once` would fail with the error before it. */
function closeOf(model: ChannelModel): Promise<Error> {
  return new Promise((resolve) => void model.once('close', resolve))
}

const closing = (replyCode: number, replyText: string) => ({ replyCode, replyText, classId: 0, methodId: 0 })

// connection/socket.ts gathers the writes of a turn, and closes the socket of a peer that is silent.
it('has its socket in connection.stream, and writes to it by the write method of that object', async () => {
  const { server, model, channel } = await open()
  const socket = socketOf(model)!
  const written = vi.spyOn(socket, '_writev' as never)
  gatherWrites(socket)
  for (let i = 0; i < 3; i++) publish(channel, {})
  await poll(() => server.all('BasicPublish').length === 3, { what: 'three messages' })
  expect(written).toHaveBeenCalledTimes(1)
})

// connection.ts destroys its sockets with an error, and only then no timer of amqplib keeps the process alive.
it('ends its heartbeat and reports a close when the socket is destroyed with an error', async () => {
  const { model } = await open()
  const { heartbeater } = model.connection as unknown as { heartbeater: { clear: () => void } }
  const cleared = vi.spyOn(heartbeater, 'clear')
  const closed = closeOf(model)
  const error = new Error('closed')
  socketOf(model)!.destroy(error)
  expect(await closed).toBe(error)
  expect(cleared).toHaveBeenCalled()
})

// connection.ts refuses servers that are too old; doctor names them.
it('has the properties of the server in connection.serverProperties', async () => {
  const { model } = await open()
  expect(model.connection.serverProperties).toMatchObject(RABBIT)
})

// connection.ts ends an attempt to connect by its signal.
it('passes unknown socket options on to the socket', async () => {
  const server = await amqpServer(RABBIT)
  const options: object = { signal: AbortSignal.abort() }
  expect(await failure(connect(server.url, options))).toMatchObject({ code: 'ABORT_ERR' })
})

// connection.ts escapes the vhost, because amqplib unescapes that of an object as well.
it('unescapes the vhost of an object', async () => {
  const server = await amqpServer(RABBIT)
  const model = await connect({ hostname: '127.0.0.1', port: server.port, vhost: encodeURIComponent('a/%b') })
  await model.close()
  expect(server.all('ConnectionOpen')).toMatchObject([{ virtualHost: 'a/%b' }])
})

// connection/failures.ts tells these refusals apart by their texts.
it.each([
  [
    'ConnectionStartOk',
    closing(403, 'ACCESS_REFUSED - Login was refused'),
    'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
    'AUTHENTICATION_FAILED',
  ],
  [
    'ConnectionOpen',
    closing(530, 'NOT_ALLOWED - vhost v not found'),
    'Expected ConnectionOpenOk; got <ConnectionClose channel:0>',
    'VHOST_REFUSED',
  ],
])('says that the server closed the connection in answer to %s', async (method, close, text, code) => {
  const server = await amqpServer(RABBIT, { answers: { [method]: ['ConnectionClose', close] } })
  const error = (await failure(connect(server.url))) as Error
  expect(error.message).toBe(text)
  const endpoint = {
    protocol: 'amqp',
    hostname: 'h',
    port: 1,
    host: 'h:1',
    user: 'u',
    password: '',
    vhost: 'v',
  } as const
  expect(connectFailure(error, endpoint).code).toBe(code)
})

// connection/readable.ts replaces recvFrame, and puts the frame back into rest, to read what the decoder does not know.
it('reads each frame by connection.recvFrame, first from connection.rest and then from the socket', async () => {
  const received: Message[] = []
  const { server, model } = await open({ answers: { BasicConsume: ['BasicConsumeOk', { consumerTag: 'c' }] } })
  readEveryMessage(model)
  const channel: Channel = await model.createChannel()
  await channel.consume('q', (message) => received.push(message!))
  const headers = fields([['unsigned', fixed('L', 0, 0, 0, 0, 0, 0, 0, 7)]])
  for (const deliveryTag of [1, 2]) {
    server.send('BasicDeliver', 2, { consumerTag: 'c', deliveryTag, redelivered: false, exchange: '', routingKey: 'q' })
    server.sendContent(2, headers, BODY)
  }
  await poll(() => received.length === 2, { what: 'two messages' })
  expect(received.map(({ properties }) => properties.headers as unknown)).toEqual([{ unsigned: 7 }, { unsigned: 7 }])
})

it('without the patch, closes the connection for a header that its decoder does not know', async () => {
  const { server, model } = await open()
  const error = once(model, 'error')
  server.send('BasicReturn', 1, { replyCode: 312, replyText: 'NO_ROUTE', exchange: 'e', routingKey: 'k' })
  server.sendContent(1, fields([['unsigned', fixed('L', 0, 0, 0, 0, 0, 0, 0, 7)]]), BODY)
  expect(await error).toMatchObject([{ message: 'Unexpected type tag "L"' }])
})

// publish/frame-builder.ts uses one table of headers for all messages: docs/decisions/026.
it('encodes headers within publish, including inherited fields and without undefined ones', async () => {
  const { server, channel } = await open()
  const headers: Record<string, unknown> = { first: 1, BCC: ['a', 'b'] }
  publish(channel, { headers })
  headers['first'] = undefined
  headers['second'] = 2
  publish(channel, { headers })
  const contents = () => server.received.filter(({ fields }) => fields?.['headers'] !== undefined)
  await poll(() => contents().length === 2, { what: 'two messages' })
  expect(contents().map(({ fields }) => fields!['headers'])).toEqual([
    { first: 1, BCC: ['a', 'b'] },
    { second: 2, BCC: ['a', 'b'] },
  ])
  expect(overTheWire(Object.create({ a: 1 }) as object).read).toEqual({ a: 1 })
})

// publish/field-table.ts wraps tables with a field "!", and passes timestamps and decimals on as they were read.
it('reads a field "!" as the name of a type', () => {
  const timestamp = { '!': 'timestamp', value: 1 }
  const decimal = { '!': 'decimal', value: { places: 2, digits: 3 } }
  const object = { '!': 'object', value: { '!': 'x' } }
  expect(overTheWire({ timestamp, decimal, object }).read).toEqual({ timestamp, decimal, object: { '!': 'x' } })
})

// publish/sender.ts fails such a message with NOT_ENCODABLE. Its later messages keep their own confirms.
it.each([
  ['a table over 64 KiB', { headers: { x: 'x'.repeat(66_000) } }, RangeError],
  ['a number out of range', { headers: { x: { '!': 'byte', value: 1000 } } }, RangeError],
  ['a value without a type', { headers: { x: () => undefined } }, TypeError],
  ['a property of another type', { correlationId: 1 as never }, TypeError],
])('throws for %s before it sends anything, and expects no confirm', async (_, options, kind) => {
  const { server, channel } = await open()
  let error: unknown
  const answers: unknown[] = []
  try {
    publish(channel, options, () => answers.push('of the refused message'))
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(kind)
  expect(notEncodable(error)?.code).toBe('NOT_ENCODABLE')
  publish(channel, {}, (answer) => answers.push(answer))
  await poll(() => server.all('BasicPublish').length === 1, { what: 'the other message' })
  server.send('BasicAck', 1, { deliveryTag: 1, multiple: false })
  await poll(() => answers.length > 0, { what: 'its confirm' })
  expect(answers).toEqual([null])
})

// publish/sender.ts distinguishes the three answers.
it('answers a publish with null, "message nacked" or "channel closed"', async () => {
  const { server, channel } = await open()
  const answers: unknown[] = []
  for (let i = 0; i < 4; i++) publish(channel, {}, (error) => answers.push((error as Error | null)?.message ?? error))
  await poll(() => server.all('BasicPublish').length === 4, { what: 'four messages' })
  server.send('BasicAck', 1, { deliveryTag: 2, multiple: true })
  server.send('BasicNack', 1, { deliveryTag: 3, multiple: false, requeue: false })
  await poll(() => answers.length === 3, { what: 'three answers' })
  await channel.close()
  expect(answers).toEqual([null, null, 'message nacked', 'channel closed'])
})

// publish/sender.ts knows the reason when its publications are answered; connection/channel.ts gets the close after that.
it('reports why a channel was closed before it answers its publishes, and emits "close" after that', async () => {
  const { server, channel } = await open()
  const events: unknown[] = []
  channel.on('error', (error: Error) => events.push([error.message, replyCode(error)]))
  channel.on('close', () => events.push('close'))
  publish(channel, {}, () => events.push('answer'))
  await poll(() => server.all('BasicPublish').length === 1, { what: 'the message' })
  server.send('ChannelClose', 1, closing(404, "NOT_FOUND - no exchange 'e' in vhost '/'"))
  await poll(() => events.includes('close'), { what: 'the close' })
  const text = `Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no exchange 'e' in vhost '/'"`
  expect(events).toEqual([[text, 404], 'answer', 'close'])
  expect(namedExchange(new Error(text))).toBe('e')
})

// publish/channel-loss.ts and topology/refused-declarations.ts decide whose fault it was.
it.each([
  [541, 'INTERNAL_ERROR', 'Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"', true],
  [501, 'FRAME_ERROR - x', 'Connection closed: 501 (FRAME-ERROR) with message "FRAME_ERROR - x"', true],
])('reports why a connection was closed (%i) before it answers its publishes', async (code, reason, text, fault) => {
  const { server, model, channel } = await open()
  const events: unknown[] = []
  model.on('error', (error: Error) => events.push([error.message, replyCode(error), isClientFault(error)]))
  model.on('close', () => events.push('close'))
  publish(channel, {}, () => events.push('answer'))
  await poll(() => server.all('BasicPublish').length === 1, { what: 'the message' })
  server.send('ConnectionClose', 0, closing(code, reason))
  await poll(() => events.includes('close'), { what: 'the close' })
  expect(events).toEqual([[text, code, fault], 'answer', 'close'])
})

// connection.ts logs it as the reason of a lost connection; no message is at fault.
it('reports a node that shuts down (320) by "close" alone', async () => {
  const { server, model } = await open()
  const failed = vi.fn()
  model.on('error', failed)
  const closed = closeOf(model)
  server.send('ConnectionClose', 0, closing(320, 'CONNECTION_FORCED - shutdown'))
  const error = await closed
  expect([replyCode(error), isLoss(error), isClientFault(error)]).toEqual([320, true, false])
  expect(failed).not.toHaveBeenCalled()
})

// connection/failures.ts: an operation that is lost with its channel or connection is repeated.
it('fails on a closed channel or connection with errors that dueque recognises as a loss', async () => {
  const { model, channel } = await open({ answers: { QueueDeclare: undefined } })
  const errors: unknown[] = []
  const pending = [channel.checkQueue('a'), channel.checkQueue('b')].map((look) => failure(look))
  const closed = closeOf(model)
  socketOf(model)!.destroy(new Error('read ECONNRESET'))
  await closed
  errors.push(...(await Promise.all(pending)))
  errors.push(await failure(channel.checkQueue('c')), await failure(model.createChannel()))
  for (const operate of [() => publish(channel, {}), () => channel.ack(tagged(1))]) {
    try {
      operate()
    } catch (error) {
      errors.push(error)
    }
  }
  expect(errors.map((error) => [(error as Error).name, (error as Error).message, isLoss(error)])).toEqual([
    ['Error', 'Channel ended, no reply will be forthcoming', true],
    ['Error', 'Channel ended, no reply will be forthcoming', true],
    ['IllegalOperationError', 'Channel closed', true],
    ['IllegalOperationError', 'Connection closed (Error: read ECONNRESET)', true],
    ['IllegalOperationError', 'Channel closed', true],
    ['IllegalOperationError', 'Channel closed', true],
  ])
})

// connection/failures.ts: a socket that just ends is a loss, too.
it('calls a socket that ends "Unexpected close"', async () => {
  const { model } = await open()
  const closed = closeOf(model)
  socketOf(model)!.emit('end')
  const error = await closed
  expect([error.message, isLoss(error)]).toEqual(['Unexpected close', true])
})

// topology/declarer.ts makes typed errors from the text of the broker.
it('passes on the reply code and the text of a refused operation', async () => {
  const close = { ...closing(404, "NOT_FOUND - no queue 'q' in vhost '/'"), classId: 50, methodId: 10 }
  const { channel } = await open({ answers: { QueueDeclare: ['ChannelClose', close] } })
  const error = (await failure(channel.checkQueue('q'))) as Error
  expect(error.message).toBe(
    `Operation failed: QueueDeclare; 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'q' in vhost '/'"`,
  )
  expect(operationFailure(error, 'queue q', 'read')).toMatchObject({
    code: 'DESTINATION_MISSING',
    message: "NOT_FOUND - no queue 'q' in vhost '/'",
  })
})

// operate/failed/failed-queue.ts keeps the delivery tags of messages, and not the messages.
it('reads only the delivery tag of a message to settle it', async () => {
  const { server, channel } = await open()
  channel.ack(tagged(7), true)
  channel.nack(tagged(8), false, true)
  await poll(() => server.all('BasicNack').length === 1, { what: 'both' })
  expect(server.all('BasicAck')).toMatchObject([{ deliveryTag: 7, multiple: true }])
  expect(server.all('BasicNack')).toMatchObject([{ deliveryTag: 8, multiple: false, requeue: true }])
})

function tagged(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as Message
}
