import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

interface Codec {
  encodeTable: (buffer: Buffer, table: object, offset: number) => number
  decodeFields: (slice: Buffer) => Record<string, unknown>
}

const require = createRequire(import.meta.url)
/** amqplib's own, past its list of exports. */
const codec = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as Codec
export const { decodeFields } = codec

/** What amqplib writes for a table, and what the other end reads. Throws what amqplib throws. */
export function overTheWire(table: object): { bytes: number; read: Record<string, unknown> } {
  const buffer = Buffer.alloc(64 * 1024)
  const bytes = codec.encodeTable(buffer, table, 0)
  return { bytes, read: decodeFields(buffer.subarray(4, bytes)) }
}
