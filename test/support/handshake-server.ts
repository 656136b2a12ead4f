import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

interface Methods {
  encodeMethod: (method: number, channel: number, fields: object) => Buffer
  ConnectionStart: number
  ConnectionStartOk: number
  ConnectionTune: number
  ConnectionOpen: number
  ConnectionOpenOk: number
  ConnectionClose: number
  ConnectionCloseOk: number
}

const require = createRequire(import.meta.url)
/** amqplib's own, past its list of exports. */
const methods = require(join(dirname(require.resolve('amqplib')), 'lib/defs.js')) as Methods

/**
 * A server that opens and closes AMQP connections and can do nothing else: for products that are not at hand. Says
 * `properties` of itself. Ends with the test.
 */
export async function handshakeServer(properties: object): Promise<{ url: string; port: number }> {
  const { encodeMethod } = methods
  const start = {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: properties,
    mechanisms: Buffer.from('PLAIN'),
    locales: Buffer.from('en_US'),
  }
  const answers = new Map([
    [methods.ConnectionStartOk, encodeMethod(methods.ConnectionTune, 0, { channelMax: 100, frameMax: 131_072 })],
    [methods.ConnectionOpen, encodeMethod(methods.ConnectionOpenOk, 0, {})],
    [methods.ConnectionClose, encodeMethod(methods.ConnectionCloseOk, 0, {})],
  ])
  const server = createServer((socket) => {
    let received = Buffer.alloc(0)
    let greeted = false
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      // AMQP 0-9-1, 4.2.2: the protocol header has 8 bytes. 4.2.3: type, channel, size, payload, end.
      if (!greeted && received.length >= 8) {
        greeted = true
        received = received.subarray(8)
        socket.write(encodeMethod(methods.ConnectionStart, 0, start))
      }
      while (greeted && received.length >= 7 && received.length >= received.readUInt32BE(3) + 8) {
        const answer = answers.get(received.readUInt32BE(7))
        received = received.subarray(received.readUInt32BE(3) + 8)
        if (answer) socket.write(answer)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `amqp://127.0.0.1:${port}`, port }
}
