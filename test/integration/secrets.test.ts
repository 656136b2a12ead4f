import { once } from 'node:events'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { connect, defineMessage, on, type ConnectOptions, type Logger } from '../../src/index.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { amqpServer } from '../support/amqp-server.js'
import { failure, open } from '../support/mq.js'
import { everythingOf, PASSWORD, shownIn } from '../support/secrets.js'
import { userWith } from '../support/users.js'
import { note, unique } from '../strategies/recorder.js'

const vhost = useVhost()

const ENCODED = encodeURIComponent(PASSWORD)
const PASSPHRASE = 'tr0ub4dor passphrase'
/** Not a key that OpenSSL can read. */
const KEY = '-----BEGIN PRIVATE KEY-----\nTm90IGEga2V5IGJ1dCBhIHNlY3JldA\n-----END PRIVATE KEY-----\n'
const SECRETS = [PASSPHRASE, 'Tm90IGEga2V5IGJ1dCBhIHNlY3JldA']

const withPassword = (url: string, password = ENCODED) => {
  const own = new URL(url)
  return url.replace(own.host, `${own.username ? '' : `guest:${password}@`}${own.host}`)
}
const here = (rest = '') => vhost.url.replace(/\/\/[^@]*@/, `//guest:${ENCODED}@`) + rest

describe('connect errors show no password, key or passphrase, in any of their parts: ', () => {
  test.each<[what: string, code: string, options: () => ConnectOptions | Promise<ConnectOptions>]>([
    ['a wrong password', 'AUTHENTICATION_FAILED', () => ({ url: here() })],
    ['nobody there', 'UNREACHABLE', async () => ({ url: `amqp://me:${ENCODED}@127.0.0.1:${await closedPort()}` })],
    ['no such host', 'UNREACHABLE', () => ({ url: `amqp://me:${ENCODED}@no-such-host.invalid` })],
    [
      'none of several',
      'UNREACHABLE',
      () => ({ url: [1, 2].map((n) => `amqp://me:${ENCODED}@127.0.0.${n}:${n}`), connectTimeoutMs: 2000 }),
    ],
    [
      'another product',
      'UNSUPPORTED',
      async () => ({ url: withPassword((await amqpServer({ product: 'LavinMQ' })).url) }),
    ],
    ['no AMQP there', 'UNREACHABLE', async () => ({ url: `amqp://me:${ENCODED}@127.0.0.1:${await echoPort()}` })],
    ['another protocol', 'INVALID_OPTION', () => ({ url: `http://me:${ENCODED}@localhost` })],
    ['a slash in it', 'INVALID_OPTION', () => ({ url: `amqp://me:${PASSWORD.split('#')[0]}@localhost` })],
    ['digits and a slash in it', 'INVALID_OPTION', () => ({ url: 'amqp://me:5555/tr0ub4dor passphrase@localhost' })],
    ['a question mark in it', 'INVALID_OPTION', () => ({ url: `amqp://me:a?${PASSPHRASE}@localhost` })],
    ['a hash in it', 'INVALID_OPTION', () => ({ url: `amqp://me:a#${PASSPHRASE}@localhost` })],
    ['a percent sign in it', 'INVALID_OPTION', () => ({ url: 'amqp://me:tr0ub4dor passphrase%zz@localhost' })],
    ['a good and a bad one', 'INVALID_OPTION', () => ({ url: [here(), `tr0ub4dor passphrase`] })],
    [
      'a key that is none',
      'TLS_REFUSED',
      () => ({ url: `amqps://me:${ENCODED}@127.0.0.1:1`, tls: { key: KEY, cert: KEY, passphrase: PASSPHRASE } }),
    ],
  ])('%s', async (_, code, options) => {
    const error = await failure(connect(await options()))
    expect(error).toMatchObject({ code })
    expect(shownIn(everythingOf(error), SECRETS)).toEqual([])
  })
})

const noManagement = managementUrl() === undefined

describe.skipIf(noManagement)('a password (skipped without the management API, which creates the user)', () => {
  /** A user with this password, and all log lines and events. */
  async function user() {
    const url = new URL(await userWith(vhost, { configure: '.*', write: '.*', read: '.*' }))
    const setPassword = (password: string) =>
      management(`/users/${url.username}`, { method: 'PUT', body: { password, tags: '' } })
    await setPassword(PASSWORD)
    url.password = ENCODED
    const told: unknown[] = []
    const tell =
      (level: string) =>
      (...line: unknown[]) =>
        void told.push([level, ...line])
    const logger: Logger = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }
    const proxy = await TcpProxy.to(url.href)
    onTestFinished(() => proxy.close())
    const mq = await open(proxy.url(), { logger, publishTimeoutMs: 1000, heartbeatSeconds: 1 })
    for (const event of ['disconnected', 'reconnected', 'error', 'blocked', 'unblocked'] as const) {
      mq.on(event, (...data: unknown[]) => void told.push([event, ...data]))
    }
    return { mq, proxy, told, setPassword, name: url.username }
  }
  const has = (told: unknown[], what: string) =>
    poll(() => everythingOf(told).includes(what), { what, timeoutMs: 30_000 })

  test('is in no log line and no event, through a cut, a changed password and a close', async () => {
    const { mq, proxy, told, setPassword } = await user()
    const queue = unique('secrets')
    await mq.consume(
      queue,
      [
        on(note, () => {
          throw new Error('no')
        }),
      ],
      { retry: { attempts: 2, backoff: 10 } },
    )
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
    await has(told, 'message given up')
    proxy.cut()
    await has(told, 'connected again')
    await setPassword('another')
    proxy.cut()
    await has(told, 'AUTHENTICATION_FAILED')
    const refused = [
      await failure(mq.schedule(note, { n: 1 }, { to: { queue: unique('none') }, in: 0 })),
      await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })),
    ]
    await setPassword(PASSWORD)
    await has(told, 'reconnected')
    await mq.close()
    refused.push(await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })))
    expect(shownIn([told, ...told, ...refused].map(everythingOf).join('\n'))).toEqual([])
  })

  test('is not in printed objects: dueque, its health, a consumer, a receipt', async () => {
    const { mq } = await user()
    const queue = unique('secrets')
    // A look at the getters of zod's prototypes would change its schemas for all other files of this worker.
    const accepting = { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } as const
    const plain = defineMessage('test.plain', { '~standard': accepting })
    const consumer = await mq.consume(queue, [on(plain, () => undefined)])
    const receipt = await mq.schedule(plain, { n: 1 }, { to: { queue }, in: 0 })
    for (const one of [mq, mq.strategy, mq.health(), consumer, consumer.stats(), receipt]) {
      expect(shownIn(everythingOf(one))).toEqual([])
      expect(shownIn(inspect(one, { depth: Infinity, showHidden: true, showProxy: true }))).toEqual([])
    }
    expect(shownIn([process.title, ...process.argv, ...process.execArgv].join(' '))).toEqual([])
  })

  test('is not in the management API, in the name or the properties of a connection', async () => {
    const { name } = await user()
    const connections = async () =>
      (await management<{ user: string }[]>('/connections')).filter((connection) => connection.user === name)
    await poll(async () => (await connections()).length > 0, { what: 'the connection', timeoutMs: 20_000 })
    const text = JSON.stringify(await connections())
    expect(text).toMatch(/"connection_name":"dueque@[^"]+ producer"/)
    expect(shownIn(text)).toEqual([])
  })
})

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Echoes all received bytes. */
async function echoPort(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => socket.end(data))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}
