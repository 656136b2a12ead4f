import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { createServer, type TlsOptions as ServerOptions } from 'node:tls'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connect, isDuequeError, type TlsOptions } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { Authority, hasOpenssl, type Identity } from '../support/certificates.js'
import { failure, open } from '../support/mq.js'
import { Recorder, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()

describe.skipIf(!hasOpenssl())('TLS (skipped without the program openssl, which makes the certificates)', () => {
  let ours: Authority
  let theirs: Authority
  let server: Identity
  let client: Identity
  beforeAll(() => {
    ours = new Authority('ours')
    theirs = new Authority('theirs')
    server = ours.issue('localhost')
    client = ours.issue('client')
  })
  afterAll(() => {
    ours.remove()
    theirs.remove()
  })

  /** Ends TLS in front of the broker, as its own TLS listener would. @returns its URL */
  async function listen(options: ServerOptions): Promise<string> {
    const { hostname, port, username, password, pathname } = new URL(vhost.url)
    const proxy = createServer(options, (socket) => {
      const broker = connectTcp(Number(port || 5672), hostname)
      for (const one of [socket, broker])
        one.on('error', () => undefined).on('close', () => (socket.destroy(), broker.destroy()))
      socket.pipe(broker).pipe(socket)
    })
    proxy.on('tlsClientError', () => undefined)
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    const { port: own } = proxy.address() as { port: number }
    return `amqps://${username}:${password}@localhost:${own}${pathname}`
  }

  const refused = async (url: string, tls: TlsOptions) => {
    const error = await failure(connect({ url, tls, connectTimeoutMs: 5000 }))
    expect(isDuequeError(error, 'TLS_REFUSED') && error.data).toEqual({ host: new URL(url).host })
    const { password } = new URL(vhost.url)
    const secrets = [`:${password}@`, client.key.split('\n')[1]!]
    for (const secret of secrets) expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain(secret)
    return (error as Error).message
  }

  test('schedules and consumes over TLS, with the given certificate authority', async () => {
    const url = await listen(server)
    const mq = await open(url, { tls: { ca: ours.cert } })
    const queue = unique('tls')
    await scheduleNotes(mq, queue, [100])
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(1)
  })

  test('refuses a server whose certificate has no trusted issuer, and names the option to set', async () => {
    const url = await listen(server)
    expect(await refused(url, {})).toContain('tls.ca')
    await refused(url, { ca: theirs.cert })
  })

  test('refuses a certificate for another host, unless its name is given', async () => {
    const url = await listen(ours.issue('broker.internal'))
    expect(await refused(url, { ca: ours.cert })).toContain('tls.servername')
    const mq = await open(url, { tls: { ca: ours.cert, servername: 'broker.internal' } })
    expect(mq.health().producer).toBe('up')
  })

  test('refuses a certificate that has expired', async () => {
    await refused(await listen(ours.issue('localhost', -1)), { ca: ours.cert })
  })

  test('shows its own certificate to a server that demands one', async () => {
    const url = await listen({ ...server, ca: ours.cert, requestCert: true, rejectUnauthorized: true })
    expect(await refused(url, { ca: ours.cert })).toContain('tls.cert')
    // Some servers report it by TLS, this one closes the connection.
    const error = await failure(connect({ url, tls: { ca: ours.cert, ...theirs.issue('client') } }))
    expect(isDuequeError(error) && ['TLS_REFUSED', 'UNREACHABLE'].includes(error.code)).toBe(true)
    const mq = await open(url, { tls: { ca: ours.cert, ...client } })
    expect(mq.health().producer).toBe('up')
  })

  test('a URL with amqps fails on a server without TLS', async () => {
    const url = vhost.url.replace('amqp:', 'amqps:')
    const error = await failure(connect({ url, connectTimeoutMs: 5000 }))
    expect(isDuequeError(error) && ['TLS_REFUSED', 'UNREACHABLE'].includes(error.code)).toBe(true)
  })
})
