import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

interface Definitions {
  encodeMethod: (method: number, channel: number, fields: object) => Buffer
  constants: { FRAME_HEADER: number; FRAME_BODY: number }
  [method: string]: unknown
}

/** A frame as amqplib decodes it: a method, a content header or a body. */
export interface ReceivedFrame {
  readonly id?: number
  readonly channel: number
  readonly fields?: Readonly<Record<string, unknown>>
  readonly content?: Buffer
}

interface ParsedFrame {
  rest: Buffer
}

interface Framing {
  parseFrame: (bytes: Buffer, max: number) => ParsedFrame | false
  decodeFrame: (frame: ParsedFrame) => ReceivedFrame
}

const require = createRequire(import.meta.url)
/** Internal modules of amqplib that it does not export. */
const inside = (file: string): unknown => require(join(dirname(require.resolve('amqplib')), 'lib', file))
const definitions = inside('defs.js') as Definitions
const { parseFrame, decodeFrame } = inside('frame.js') as Framing

/** The id of a method, by the name that amqplib gives it. */
export function methodId(name: string): number {
  return definitions[name] as number
}

/** The bytes of a method. */
export function encoded(name: string, channel: number, fields: object): Buffer {
  return definitions.encodeMethod(methodId(name), channel, fields)
}

/** A frame with its bytes. */
export interface WholeFrame extends ReceivedFrame {
  readonly bytes: Buffer
}

/** Takes the bytes of one direction of a connection, piece by piece. @param skipped bytes before the first frame */
export function framesOf(skipped: number, take: (frame: WholeFrame) => void): (piece: Buffer) => void {
  let bytes: Buffer = Buffer.alloc(0)
  return (piece) => {
    bytes = Buffer.concat([bytes, piece])
    const header = Math.min(skipped, bytes.length)
    skipped -= header
    bytes = bytes.subarray(header)
    for (let parsed = skipped === 0 && parseFrame(bytes, 0); parsed; parsed = parseFrame(bytes, 0)) {
      const { length } = parsed.rest
      take({ ...decodeFrame(parsed), bytes: bytes.subarray(0, bytes.length - length) })
      bytes = parsed.rest
    }
  }
}

/** The methods that the server answers by default. */
const ANSWERS: Record<string, [name: string, fields: object]> = {
  ConnectionStartOk: ['ConnectionTune', { channelMax: 100, frameMax: 131_072, heartbeat: 60 }],
  ConnectionOpen: ['ConnectionOpenOk', {}],
  ConnectionClose: ['ConnectionCloseOk', {}],
  ChannelOpen: ['ChannelOpenOk', { channelId: Buffer.alloc(0) }],
  ChannelClose: ['ChannelCloseOk', {}],
  ConfirmSelect: ['ConfirmSelectOk', {}],
}

export interface AmqpServerOptions {
  /** More or different answers; `undefined` for no answer to a method. */
  answers?: Record<string, [name: string, fields: object] | undefined>
}

/**
 * A server that opens and closes AMQP connections and channels and follows a test, to simulate other products and faults.
 * It reports `properties` as its own. Ends with the test.
 */
export async function amqpServer(properties: object, { answers }: AmqpServerOptions = {}): Promise<AmqpServer> {
  const byId = new Map(
    Object.entries({ ...ANSWERS, ...answers }).flatMap(([name, answer]) => (answer ? [[methodId(name), answer]] : [])),
  )
  const server = new AmqpServer(properties, byId)
  await server.listen()
  return server
}

export class AmqpServer {
  /** Frames of all clients, in order. */
  readonly received: ReceivedFrame[] = []
  readonly #properties: object
  readonly #answers: ReadonlyMap<number, [name: string, fields: object]>
  readonly #server = createServer((socket) => this.#serve(socket))
  #socket: Socket | undefined

  constructor(properties: object, answers: ReadonlyMap<number, [name: string, fields: object]>) {
    this.#properties = properties
    this.#answers = answers
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `amqp://127.0.0.1:${this.port}`
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    onTestFinished(() => void this.#server.close())
  }

  /** The fields of each method of this name that was received. */
  all(method: string): Readonly<Record<string, unknown>>[] {
    return this.received.filter(({ id }) => id === methodId(method)).map(({ fields }) => fields!)
  }

  /** Sends a method to the last client that connected. */
  send(method: string, channel: number, fields: object): void {
    this.write(encoded(method, channel, fields))
  }

  /** Sends a content header with these bytes as its header table, and a body. */
  sendContent(channel: number, headers: Uint8Array, body: Uint8Array): void {
    const head = Buffer.alloc(18)
    head.writeUInt16BE(60, 0)
    head.writeBigUInt64BE(BigInt(body.length), 4)
    head.writeUInt16BE(0x2000, 12)
    head.writeUInt32BE(headers.length, 14)
    this.write(frame(definitions.constants.FRAME_HEADER, channel, Buffer.concat([head, headers])))
    this.write(frame(definitions.constants.FRAME_BODY, channel, body))
  }

  write(bytes: Uint8Array): void {
    this.#socket!.write(bytes)
  }

  #serve(socket: Socket): void {
    this.#socket = socket
    let isGreeted = false
    socket.on('error', () => undefined)
    // The protocol header has 8 bytes: AMQP 0-9-1, 4.2.2.
    const frames = framesOf(8, (received) => this.#take(received))
    socket.on('data', (chunk: Buffer) => {
      if (!isGreeted) this.send('ConnectionStart', 0, startOf(this.#properties))
      isGreeted = true
      frames(chunk)
    })
  }

  #take(received: ReceivedFrame): void {
    this.received.push(received)
    const answer = this.#answers.get(received.id ?? -1)
    if (answer) this.send(answer[0], received.channel, answer[1])
  }
}

function startOf(serverProperties: object): object {
  const [mechanisms, locales] = [Buffer.from('PLAIN'), Buffer.from('en_US')]
  return { versionMajor: 0, versionMinor: 9, serverProperties, mechanisms, locales }
}

/** AMQP 0-9-1, 4.2.3. */
function frame(type: number, channel: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(7)
  head.writeUInt8(type, 0)
  head.writeUInt16BE(channel, 1)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([0xce])])
}
