import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import {
  connect,
  isDuequeError,
  onAny,
  startIntake,
  type ConnectOptions,
  type DuequeError,
  type ScheduleOptions,
} from '../../src/index.js'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { holds } from '../support/parked.js'
import { openSockets } from '../support/sockets.js'
import { userWith } from '../support/users.js'
import { note, unique } from '../strategies/recorder.js'

const vhost = useVhost()
const noManagement = managementUrl() === undefined
const to = { queue: 'any' }

describe('connect', () => {
  test('names the hosts that did not answer, and how to start a broker, without the password', async () => {
    const url = ['amqp://ada:s3cret@127.0.0.1:1', 'amqp://ada:s3cret@localhost:2/other']
    const error = await failure(connect({ url }))
    expect(error).toMatchObject({ code: 'UNREACHABLE', data: { hosts: ['127.0.0.1:1', 'localhost:2'] } })
    expect((error as Error).message).toContain('docker run')
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('s3cret')
  })

  test('waits up to the given time for a broker that starts later', async () => {
    const proxy = await TcpProxy.to(vhost.url)
    onTestFinished(() => proxy.close())
    proxy.refuse()
    const logged: string[] = []
    const warn = (message: string) => logged.push(message)
    const connected = open(proxy.url(), { waitMs: 60_000, logger: { ...console, warn } })
    await poll(() => logged.length > 0, { timeoutMs: 30_000, what: 'the wait to be logged' })
    await proxy.listen()
    await (await connected).schedule(note, { n: 1 }, { to: { queue: unique('later') }, in: 0, declare: true })
    expect(logged).toEqual(['no broker yet: waiting for it'])
  })

  test('reports how long it waited, and does not wait for errors that waiting cannot fix', async () => {
    const url = new URL(vhost.url)
    url.password = 'wr0ng'
    const [vain, wrong] = await Promise.all([
      failure(connect({ url: 'amqp://127.0.0.1:1', waitMs: 300, logger: false })),
      failure(connect({ url: url.href, waitMs: 600_000, logger: false })),
    ])
    expect(vain).toMatchObject({ code: 'UNREACHABLE', data: { hosts: ['127.0.0.1:1'] } })
    const { waitedMs } = (vain as DuequeError<'UNREACHABLE'>).data
    expect(waitedMs).toBeGreaterThanOrEqual(300)
    expect((vain as Error).message).toContain(`within ${waitedMs} ms (option: waitMs)`)
    expect(wrong).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  test.each(['refuses', 'is silent'])('its signal stops the wait while the host %s', async (what) => {
    const proxy = await TcpProxy.to(vhost.url)
    onTestFinished(() => proxy.close())
    if (what === 'refuses') proxy.refuse()
    else proxy.freeze()
    const reason = new Error('told to stop')
    const controller = new AbortController()
    const connected = failure(connect({ url: proxy.url(), waitMs: 600_000, signal: controller.signal, logger: false }))
    setTimeout(() => controller.abort(reason), 100)
    expect(await connected).toMatchObject({ code: 'ABORTED', data: { reason } })
    expect(openSockets(proxy.port)).toBe(0)
    const error = await failure(connect({ url: vhost.url, signal: AbortSignal.abort(reason) }))
    expect(error).toMatchObject({ code: 'ABORTED' })
  })

  test('goes on to the next URL when one does not answer', async () => {
    const mq = await open(vhost.url, { url: ['amqp://127.0.0.1:1', vhost.url] })
    await mq.schedule(note, { n: 1 }, { to: { queue: unique('failover') }, in: 0, declare: true })
  })

  test('distinguishes wrong credentials from an absent broker', async () => {
    const url = new URL(vhost.url)
    url.password = 'wr0ng'
    const error = await failure(connect({ url: url.href }))
    expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', data: { user: url.username } })
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('wr0ng')
  })

  test('names a missing vhost', async () => {
    const url = new URL(vhost.url)
    url.pathname = '/no-such-vhost'
    expect(await failure(connect({ url: url.href }))).toMatchObject({
      code: 'VHOST_REFUSED',
      data: { vhost: 'no-such-vhost' },
    })
  })

  const wrongOptions: [string, ConnectOptions][] = [
    ['url', { url: 'http://localhost' }],
    ['url', { url: 'amqp://localhost?heartbeat=5' }],
    ['url', { url: [] }],
    ['namespace', { namespace: 'with space' }],
    ['heartbeatSeconds', { heartbeatSeconds: -1 }],
    ['maxInFlight', { maxInFlight: 0 }],
  ]
  test.each(wrongOptions)('refuses a wrong %s before it connects: %o', async (option, options) => {
    expect(await failure(connect(options))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })
})

describe.skipIf(noManagement)('permissions (skipped without the management API, which makes the users)', () => {
  test('a missing configure permission is named when dueque declares', async () => {
    const url = await userWith(vhost, { configure: '^none$', write: '.*', read: '.*' })
    expect(await failure(connect({ url }))).toMatchObject({
      code: 'PERMISSION_DENIED',
      data: { permission: 'configure', resource: 'exchange dueque.v1.unroutable' },
    })
  })

  test('a missing write permission is named when a message is published', async () => {
    const queue = unique('write')
    const declared = await open(vhost.url)
    await declared.schedule(note, { n: 1 }, { to: { queue }, in: 0, declare: true })
    const url = await userWith(vhost, { configure: '.*', write: String.raw`^(?!dueque\.v1\.entry\.h).*`, read: '.*' })
    const mq = await open(url)
    const [refused, fine] = await Promise.allSettled([
      mq.schedule(note, { n: 2 }, { to: { queue }, in: '3h' }),
      mq.schedule(note, { n: 3 }, { to: { queue }, in: '3m' }),
    ])
    expect(refused).toMatchObject({
      reason: {
        code: 'PERMISSION_DENIED',
        outcome: 'refused',
        data: { permission: 'write', resource: 'exchange dueque.v1.entry.h' },
      },
    })
    expect(fine.status).toBe('fulfilled')
  })

  test('a missing read permission is named when a queue is consumed', async () => {
    const queue = unique('read')
    const url = await userWith(vhost, { configure: '.*', write: '.*', read: String.raw`^dueque\..*` })
    const channel = await rawChannel(vhost.url)
    await channel.assertQueue(queue)
    const mq = await open(url)
    expect(await failure(mq.consume(queue, [{ definition: note, handle: () => undefined }]))).toMatchObject({
      code: 'PERMISSION_DENIED',
      data: { permission: 'read', resource: `queue ${queue}` },
    })
  })
})

describe('schedule', () => {
  test('names a queue that exists with other arguments than dueque needs', async () => {
    const channel = await rawChannel(vhost.url)
    await channel.assertQueue('other.v1.unroutable', { durable: true, arguments: { 'x-max-length': 5 } })
    expect(await failure(connect({ url: vhost.url, namespace: 'other' }))).toMatchObject({
      code: 'TOPOLOGY_MISMATCH',
      data: { resource: 'queue other.v1.unroutable' },
    })
  })

  const refused: [string, string, Partial<ScheduleOptions>][] = [
    ['DELAY_OUT_OF_RANGE', 'over ten years', { in: '3651d' }],
    ['INVALID_DUE', 'NaN', { in: NaN }],
    ['INVALID_DUE', 'both in and at', { in: 1, at: new Date() as never }],
    ['INVALID_OPTION', 'no destination', { to: {} as never, in: 1 }],
    ['RESERVED_NAME', 'a BCC header', { headers: { BCC: ['x'] }, in: 1 }],
    ['RESERVED_NAME', 'a dueque header', { headers: { 'dueque-due': 1 }, in: 1 }],
    ['RESERVED_NAME', 'a routing key that is a path key', { to: { exchange: 'e', routingKey: 'dq~30m' }, in: 1 }],
    ['NAME_TOO_LONG', 'a long queue name', { to: { queue: 'ü'.repeat(130) }, in: 1 }],
    ['NAME_TOO_LONG', 'a long id', { id: 'x'.repeat(256), in: 1 }],
    ['HEADERS_TOO_LARGE', 'large headers', { headers: { big: 'x'.repeat(60_000) }, in: 1 }],
    ['INVALID_OPTION', 'a priority over 4', { priority: 5, in: 1 }],
    ['DESTINATION_MISSING', 'a missing queue', { in: 1 }],
  ]
  test.each(refused)('refuses with %s: %s', async (code, _, options) => {
    const mq = await open(vhost.url)
    const error = await failure(mq.schedule(note, { n: 1 }, { to, ...options } as ScheduleOptions))
    expect(error).toMatchObject({ code, outcome: 'refused' })
  })

  test('names the field that does not fit the schema', async () => {
    const mq = await open(vhost.url)
    const error = await failure(mq.schedule(note, { n: 'one' } as never, { to, in: 1 }))
    expect(error).toMatchObject({ code: 'INVALID_PAYLOAD', data: { message: 'test.note', issues: [{ path: 'n' }] } })
  })

  test('refuses a body over the limit without failing concurrent schedules', async () => {
    const queue = unique('large')
    const mq = await open(vhost.url, { maxBodyBytes: 10_000 })
    const results = await Promise.allSettled(
      [10, 20_000, 20].map((length) =>
        mq.schedule(note, { n: 1, text: 'x'.repeat(length) }, { to: { queue }, in: 10, declare: true }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'BODY_TOO_LARGE', data: { maxBytes: 10_000 } } })
  })

  test('a body over the limit of the broker fails alone, although it closes the channel', async () => {
    const queue = unique('larger')
    const mq = await open(vhost.url, { maxBodyBytes: 140 * 1024 * 1024 })
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: 10, declare: true })
    // 4.x takes 16 MiB, 3.x 128 MiB.
    const text = randomBytes(66 * 1024 * 1024).toString('hex')
    const results = await Promise.allSettled(
      ['a', text, 'b'].map((one) => mq.schedule(note, { n: 1, text: one }, { to: { queue }, in: '1h' })),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'BODY_TOO_LARGE', outcome: 'refused' } })
  })

  // RabbitMQ's answer about such a queue would be no valid text: https://github.com/rabbitmq/rabbitmq-server/issues/1619
  test('a missing queue whose check closes the connection is refused, and costs other schedules one reconnect', async () => {
    const mq = await open(vhost.url, { publishTimeoutMs: 20_000, logger: false })
    let losses = 0
    mq.on('disconnected', () => losses++)
    const letter = 'ü'.repeat(110)
    const schedule = (queue: string) => mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, declare: true })
    const results = await Promise.all(
      ['a', 'b'].map(async (odd) => {
        const refused = schedule(odd + letter).then(
          () => 'declared',
          (error: unknown) => error,
        )
        const other = schedule(unique('innocent'))
        return { refused: await refused, other: await other }
      }),
    )
    for (const { refused } of results) {
      // Brokers that answer declare it.
      if (refused !== 'declared')
        expect(refused).toMatchObject({ code: 'DECLARATION_REFUSED', data: { replyCode: 541 } })
    }
    const isRefused = results.some(({ refused }) => refused !== 'declared')
    expect(losses).toBeLessThanOrEqual(2)
    if (!isRefused) return
    const error = await failure(mq.consume('a' + letter, [onAny(() => undefined)]))
    expect(error).toMatchObject({ code: 'DECLARATION_REFUSED' })
    const before = performance.now()
    expect(await failure(schedule('a' + letter))).toMatchObject({ code: 'DECLARATION_REFUSED' })
    expect(performance.now() - before).toBeLessThan(400)
    await schedule(unique('innocent'))
  })

  test('an aborted signal refuses a schedule, and a later abort reports its outcome', async () => {
    const mq = await open(vhost.url)
    const options = { to: { queue: unique('abort') }, in: 10, declare: true }
    const aborted = await failure(mq.schedule(note, { n: 1 }, { ...options, signal: AbortSignal.abort() }))
    expect(aborted).toMatchObject({ code: 'ABORTED', outcome: 'refused' })
    const controller = new AbortController()
    const pending = failure(mq.schedule(note, { n: 1 }, { ...options, signal: controller.signal }))
    setImmediate(() => controller.abort(new Error('enough')))
    const error = await pending
    expect(isDuequeError(error, 'ABORTED') && ['refused', 'unknown']).toContain((error as { outcome: string }).outcome)
  })

  test('an abort makes room for schedules that wait behind it', async () => {
    const queue = unique('room')
    const mq = await open(vhost.url, { maxInFlight: 1 })
    const options = { to: { queue }, in: 0, declare: true }
    await mq.schedule(note, { n: 0 }, options)
    const controller = new AbortController()
    const aborted = failure(mq.schedule(note, { n: 1 }, { ...options, signal: controller.signal }))
    const behind = mq.schedule(note, { n: 2 }, options)
    await new Promise(setImmediate)
    controller.abort()
    expect(await aborted).toMatchObject({ code: 'ABORTED' })
    await behind
  })

  test('after close everything is refused with CLOSED', async () => {
    const mq = await connect({ url: vhost.url })
    await mq.close()
    await mq.close()
    expect(await failure(mq.schedule(note, { n: 1 }, { to, in: 1 }))).toMatchObject({ code: 'CLOSED' })
    expect(await failure(mq.consume('q', []))).toMatchObject({ code: 'CLOSED' })
  })
})

describe("dueque's own queues and exchanges", () => {
  const own = ['wait.1s', 'parked', 'unroutable', 'to.clinic', 'to-queue.reminders']
  const exchanges = ['deliver', 'entry.ms', 'next.d', 'dead']

  test.each(['declare', 'trust'] as const)(
    'are refused as destinations, in this namespace or another (%s)',
    async (topology) => {
      for (const namespace of ['dueque', 'second']) await open(vhost.url, { namespace })
      const mq = await open(vhost.url, { topology })
      for (const prefix of ['dueque.v1', 'second.v1']) {
        const destinations = [
          ...own.map((name) => ({ queue: `${prefix}.${name}` })),
          ...exchanges.map((name) => ({ exchange: `${prefix}.${name}` })),
        ]
        for (const destination of destinations) {
          const error = await failure(mq.schedule(note, { n: 1 }, { to: destination, in: 0 }))
          expect(error, JSON.stringify(destination)).toMatchObject({ code: 'RESERVED_NAME', outcome: 'refused' })
        }
      }
    },
  )

  test('are refused by consume and by an intake', async () => {
    const mq = await open(vhost.url)
    await open(vhost.url, { namespace: 'second' })
    for (const queue of ['dueque.v1.parked', 'second.v1.wait.1s'])
      expect(await failure(mq.consume(queue, [onAny(() => undefined)])), queue).toMatchObject({ code: 'RESERVED_NAME' })
    for (const ways of [{ from: 'dueque.v1.deliver' }, { from: 'mine', to: 'second.v1.deliver', type: 'direct' }])
      expect(await failure(startIntake({ url: vhost.url, ...ways }))).toMatchObject({ code: 'RESERVED_NAME' })
  })

  test('do not reserve names of a namespace that does not exist', async () => {
    const mq = await open(vhost.url)
    const queue = `${unique('orders')}.v1.deliver`
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, declare: true })
    const channel = await rawChannel(vhost.url)
    await holds(channel, queue, 1)
  })
})
