import { DuequeError } from '../../base/errors.js'

/** Arrivals are less deep: `readEveryMessage` reads deeper tables as bytes. */
const MAX_DEPTH = 100

/**
 * The headers of an arrival in the form in which amqplib writes them unchanged. amqplib takes a field `!` in a table as the
 * name of a type (`{ '!': 'double', value: … }`). Without this, a foreign producer's table of that form would be sent as
 * another value, or as NaN, for which RabbitMQ closes the connection.
 *
 * @throws DuequeError `NOT_ENCODABLE` for a number that RabbitMQ does not take
 */
export function writable(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, writableValue(value, 0)]))
}

function writableValue(value: unknown, depth: number): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw notWritable(String(value))
  // `instanceof` would ask the prototype, which a header may have changed.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (depth > MAX_DEPTH) throw notWritable(`tables in tables, over ${MAX_DEPTH} deep`)
  if (Array.isArray(value)) return value.map((one) => writableValue(one, depth + 1))
  // A fresh table has the default prototype: amqplib reads a field `__proto__` as the prototype of its table.
  const table = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, writableValue(one, depth + 1)]))
  return Object.hasOwn(table, '!') && !isTyped(table) ? { '!': 'object', value: table } : table
}

/** Whether it is a timestamp or a decimal as amqplib reads it. */
function isTyped(table: Record<string, unknown>): boolean {
  const { '!': type, value } = table
  if (Object.keys(table).length !== 2) return false
  if (type === 'timestamp') return Number.isInteger(value) && (value as number) >= 0
  if (type !== 'decimal' || typeof value !== 'object' || value === null) return false
  const { places, digits } = value as Record<string, unknown>
  return Number.isInteger(places) && Number.isInteger(digits)
}

function notWritable(what: string): DuequeError<'NOT_ENCODABLE'> {
  return new DuequeError('NOT_ENCODABLE', `cannot be written as AMQP: ${what} in the headers`, {})
}
