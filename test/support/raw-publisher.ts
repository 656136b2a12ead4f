import { connect, type ConfirmChannel } from 'amqplib'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'

/** The fields of a header table as bytes: see {@link table}. */
export type Bytes = Uint8Array

/** The short-string properties of a message, each with its presence bit. AMQP 0-9-1, 1.8.1. */
const SHORT_STRINGS = {
  contentType: 15,
  contentEncoding: 14,
  correlationId: 10,
  replyTo: 9,
  messageId: 7,
  type: 5,
  appId: 3,
} as const

export interface RawMessage {
  body: Bytes
  /** @default the default exchange */
  exchange?: string
  routingKey: Bytes | string
  /** At most 255 bytes each, which need not be UTF-8. */
  properties?: Partial<Record<keyof typeof SHORT_STRINGS, Bytes>>
  /** What {@link fields} returns. */
  headers?: Bytes
  deliveryMode?: number
  priority?: number
  /** 8 bytes. */
  timestamp?: Bytes
}

/** A field table, without its length: `[name, value]` where a value is its tag and its bytes. */
export function fields(entries: readonly (readonly [name: Bytes | string, value: Bytes])[]): Bytes {
  return Buffer.concat(entries.flatMap(([name, value]) => [shortString(Buffer.from(name as string)), value]))
}

/** A value with a length before it: a text `S`, bytes `x`, a table `F`, an array `A`. */
export function long(tag: 'S' | 'x' | 'F' | 'A', content: Bytes | string): Bytes {
  const bytes = Buffer.from(content as string)
  const head = Buffer.alloc(5)
  head.write(tag, 'latin1')
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** A value of a fixed width. */
export function fixed(tag: string, ...bytes: readonly number[]): Bytes {
  return Buffer.from([tag.charCodeAt(0), ...bytes])
}

/**
 * Publishes messages that no client library would write: header tables and properties byte by byte, over a connection of
 * amqplib. The broker closes the connection for an unreadable message; then the next one is opened, and messages without a
 * confirm are not counted.
 */
export class RawPublisher {
  readonly #url: string
  #channel: ConfirmChannel | undefined
  #close: (() => Promise<void>) | undefined
  #stream: Duplex | undefined
  #taken = 0

  constructor(url: string) {
    this.#url = url
  }

  /** Confirmed by the broker so far. */
  get taken(): number {
    return this.#taken
  }

  async send(message: RawMessage): Promise<void> {
    const channel = this.#channel ?? (await this.#open())
    const internals = channel as unknown as Internals
    internals.pushConfirmCallback((error: unknown) => {
      if (!error) this.#taken++
    })
    if (!this.#stream!.write(frames(internals.ch, message))) await once(this.#stream!, 'drain')
  }

  /** Whether the broker confirmed everything since the last call: false if it closed the connection. */
  async settle(): Promise<boolean> {
    const channel = this.#channel
    return (
      !channel ||
      channel.waitForConfirms().then(
        () => this.#channel === channel,
        () => false,
      )
    )
  }

  async close(): Promise<void> {
    await this.settle()
    await this.#close?.()
  }

  async #open(): Promise<ConfirmChannel> {
    const model = await connect(this.#url, { noDelay: true })
    const channel = await model.createConfirmChannel()
    model.on('error', () => undefined)
    channel.on('error', () => undefined)
    const gone = () => {
      if (this.#channel === channel) this.#channel = this.#close = undefined
    }
    model.on('close', gone)
    channel.on('close', gone)
    this.#channel = channel
    this.#close = () => model.close().catch(() => undefined)
    this.#stream = (model.connection as unknown as { stream: Duplex }).stream
    return channel
  }
}

interface Internals {
  ch: number
  pushConfirmCallback(callback: (error: unknown) => void): void
}

/** AMQP 0-9-1, 2.3.5: a method, a content header, and the body. */
function frames(channel: number, message: RawMessage): Bytes {
  const { body, exchange = '', routingKey, properties = {}, headers, deliveryMode, priority, timestamp } = message
  const names = [exchange, routingKey].map((name) => shortString(Buffer.from(name as string)))
  const publish = [uint16(60), uint16(40), uint16(0), ...names, Buffer.from([0])]
  let flags = 0
  const texts = Object.entries(SHORT_STRINGS).map(([name, bit]): [number, Bytes | undefined] => {
    const value = properties[name as keyof typeof SHORT_STRINGS]
    return [bit, value && shortString(value)]
  })
  const rest: [number, Bytes | undefined][] = [
    [13, headers && Buffer.concat([uint32(headers.length), headers])],
    [12, deliveryMode === undefined ? undefined : Buffer.from([deliveryMode])],
    [11, priority === undefined ? undefined : Buffer.from([priority])],
    [6, timestamp],
  ]
  const given: Bytes[] = []
  for (const [bit, value] of [...texts, ...rest].sort(([one], [other]) => other - one)) {
    if (!value) continue
    flags |= 1 << bit
    given.push(value)
  }
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(body.length))
  const header = [uint16(60), uint16(0), size, uint16(flags), ...given]
  const parts = [frame(1, channel, publish), frame(2, channel, header)]
  for (let at = 0; at < body.length; at += 100_000) parts.push(frame(3, channel, [body.subarray(at, at + 100_000)]))
  return Buffer.concat(parts)
}

function frame(type: number, channel: number, payload: readonly Bytes[]): Bytes {
  const bytes = Buffer.concat(payload)
  return Buffer.concat([Buffer.from([type]), uint16(channel), uint32(bytes.length), bytes, Buffer.from([0xce])])
}

function shortString(bytes: Bytes): Bytes {
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function uint16(value: number): Bytes {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32(value: number): Bytes {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
