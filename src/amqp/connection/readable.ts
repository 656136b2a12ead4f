import type { ChannelModel } from 'amqplib'

/** The parts of amqplib's connection that read frames. It has no public way to them. */
interface Reading {
  rest: Buffer
  recvFrame: () => unknown
}

/** Type, channel and size of a frame come before its payload. AMQP 0-9-1, 2.3.5. */
const FRAME_HEAD = 7
const CONTENT_HEADER = 2
/** Deeper tables and arrays are left as bytes. */
const MAX_DEPTH = 32

/**
 * Lets amqplib read the headers of every message that RabbitMQ delivers. What its decoder does not know (integers of the
 * type `L`, which RabbitMQ takes from producers) or what overflows its stack (arrays in arrays, thousands deep) would close
 * the connection, and again when the broker delivers the message again: see {@link makeReadable}.
 */
export function readEveryMessage(model: ChannelModel): void {
  const connection = model.connection as unknown as Partial<Reading>
  if (!connection.recvFrame) return
  const receive = connection.recvFrame.bind(connection)
  connection.recvFrame = () => {
    const before = connection.rest!
    try {
      return receive()
    } catch (error) {
      // The frame is taken, and what was read from the socket for it is in `before`: amqplib calls itself for more.
      if (before[0] !== CONTENT_HEADER) throw error
      makeReadable(before.subarray(FRAME_HEAD, FRAME_HEAD + before.readUInt32BE(3)))
      connection.rest = before
      return receive()
    }
  }
}

/**
 * Changes the header table of a content header in place, so that every length stays: integers `L` (64 bits, unsigned)
 * become `l` (signed), and what is nested too deep becomes `x` (bytes).
 *
 * @param payload of the frame: AMQP 0-9-1, 2.3.5.2 and 4.2.5.5, with RabbitMQ's types
 * (https://www.rabbitmq.com/docs/amqp-0-9-1-errata#section_3)
 */
export function makeReadable(payload: Buffer): void {
  const flags = payload.readUInt16BE(12)
  if (!(flags & 0x2000)) return
  let at = 14
  // Content type and encoding.
  for (const flag of [0x8000, 0x4000]) if (flags & flag) at += 1 + payload[at]!
  walkTable(payload, at, 1)
}

/** @param at where its length stands. @returns where it ends, as all that follow */
function walkTable(bytes: Buffer, at: number, depth: number): number {
  const end = at + 4 + bytes.readUInt32BE(at)
  for (at += 4; at < end;) at = walkValue(bytes, at + 1 + bytes[at]!, depth)
  return end
}

function walkArray(bytes: Buffer, at: number, depth: number): number {
  const end = at + 4 + bytes.readUInt32BE(at)
  for (at += 4; at < end;) at = walkValue(bytes, at, depth)
  return end
}

/** Bytes of the values that have no length before them. */
// prettier-ignore
const WIDTHS: Readonly<Record<string, number>> = { b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, l: 8, L: 8, d: 8, T: 8, D: 5, V: 0 }

function walkValue(bytes: Buffer, at: number, depth: number): number {
  const tag = String.fromCharCode(bytes[at]!)
  if (tag === 'L') bytes.write('l', at)
  const isNested = tag === 'F' || tag === 'A'
  if (isNested && depth < MAX_DEPTH) return (tag === 'F' ? walkTable : walkArray)(bytes, at + 1, depth + 1)
  if (isNested) bytes.write('x', at)
  const width = WIDTHS[tag]
  return at + 1 + (width ?? 4 + bytes.readUInt32BE(at + 1))
}
