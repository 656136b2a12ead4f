import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

interface Codec {
  encodeTable: (buffer: Buffer, table: object, offset: number) => number
  decodeFields: (slice: Buffer) => Record<string, unknown>
}

const require = createRequire(import.meta.url)
/** Internal modules of amqplib that it does not export. */
const codec = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as Codec
export const { decodeFields } = codec

/** The bytes that amqplib writes for a table, and the table that the other end reads. Throws the errors of amqplib. */
export function overTheWire(table: object): { bytes: number; read: Record<string, unknown> } {
  const buffer = Buffer.alloc(64 * 1024)
  const bytes = codec.encodeTable(buffer, table, 0)
  return { bytes, read: decodeFields(buffer.subarray(4, bytes)) }
}
