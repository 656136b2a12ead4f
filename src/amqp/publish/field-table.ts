import { DuequeError } from '../../base/errors.js'

/** Deeper than anything that {@link readEveryMessage} lets through. */
const MAX_DEPTH = 100

/**
 * Headers that arrived, as amqplib writes them again. It reads a table with a field `!` as the name of a type
 * (`{ '!': 'double', value: … }`), so that a foreign producer's table of that form would go out as something else, or as a
 * number that is none, for which RabbitMQ closes the connection.
 *
 * @throws DuequeError `NOT_ENCODABLE` for a number that RabbitMQ does not take
 */
export function writable(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, writableValue(value, 0)]))
}

function writableValue(value: unknown, depth: number): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw notWritable(String(value))
  // Not `instanceof`, which asks the prototype.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (depth > MAX_DEPTH) throw notWritable(`tables in tables, over ${MAX_DEPTH} deep`)
  if (Array.isArray(value)) return value.map((one) => writableValue(one, depth + 1))
  // A fresh one, with nothing but its own fields: amqplib reads a field `__proto__` as the table's prototype.
  const table = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, writableValue(one, depth + 1)]))
  return Object.hasOwn(table, '!') && !isTyped(table) ? { '!': 'object', value: table } : table
}

/** What amqplib itself reads timestamps and decimals as. */
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
