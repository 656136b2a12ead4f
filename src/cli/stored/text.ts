import type { Stored } from '../../operate/failed/failed-queue.js'
import { decodeEnvelope } from '../../message/envelope.js'
import { HEADER } from '../../message/headers.js'
import { number } from '../progress.js'
import { plain } from '../terminal.js'
import { idOf } from './storage.js'

/** A stored message in brief, as JSON shows it. What it does not say is undefined. */
export type Summary = Readonly<Record<string, string | number | undefined>>

/** One fact of a message, by its title. */
export type Column = readonly [title: string, of: (summary: Summary) => string | number | undefined]

export interface Details {
  /** Of the body. */
  bytes: number
  exchange: string
  routingKey: string
  properties: Record<string, unknown>
  headers: Record<string, unknown>
  encoding: 'utf8' | 'base64'
  body: string
  /** Whether `body` is only the beginning. */
  cut: boolean
}

/** So much of a body tells what it is. */
const BODY_BYTES = 1000

/** What every message says. */
export function summaryOf(stored: Stored) {
  const { name, dueAt } = decodeEnvelope(stored)
  const to = stored.headers[HEADER.to]
  return {
    id: idOf(stored),
    name,
    destination: typeof to === 'string' ? to : undefined,
    dueAt: instantText(dueAt),
    bytes: stored.body.byteLength,
  }
}

/** @param full the whole body */
export function detailsOf(stored: Stored, full: boolean): Details {
  const { body, exchange, routingKey, headers } = stored
  const known = Object.entries(stored.properties).filter(([, value]) => value !== undefined)
  const cut = !full && body.byteLength > BODY_BYTES
  return {
    bytes: body.byteLength,
    exchange,
    routingKey,
    properties: Object.fromEntries(known),
    headers: { ...headers },
    ...textOfBody(body, cut),
    cut,
  }
}

function textOfBody(body: Uint8Array, cut: boolean): Pick<Details, 'encoding' | 'body'> {
  const part = cut ? body.subarray(0, BODY_BYTES) : body
  try {
    // Where it is cut, a character may be as well.
    return {
      encoding: 'utf8',
      body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part, { stream: cut }),
    }
  } catch {
    return { encoding: 'base64', body: Buffer.from(part).toString('base64') }
  }
}

/** @param value milliseconds since the epoch */
export function instantText(value: number | undefined): string | undefined {
  return value !== undefined && Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : undefined
}

/** Numbers to the right, texts to the left. */
export function tableOf(summaries: readonly Summary[], columns: readonly Column[]): string {
  const values = summaries.map((summary) => columns.map(([, of]) => of(summary)))
  const isNumber = columns.map((_, column) => values.some((row) => typeof row[column] === 'number'))
  const rows = [columns.map(([title]) => title.toUpperCase()), ...values.map((row) => row.map(cellOf))]
  const widths = columns.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const line = (cells: string[]) =>
    cells.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')
  return rows.map((cells) => line(cells).trimEnd()).join('\n')
}

function cellOf(value: string | number | undefined): string {
  return typeof value === 'number' ? number(value) : plain(value ?? '-')
}

export function textOfDetails(summary: Summary, columns: readonly Column[], details: Details): string {
  const { bytes, exchange, routingKey, encoding, body, cut } = details
  const { [HEADER.stack]: stack, ...headers } = details.headers
  const rows: [string, string][] = [
    ...columns.map(([title, of]): [string, string] => [title, cellOf(of(summary))]),
    ['exchange', plain(exchange)],
    ['routing key', plain(routingKey)],
    ['properties', ''],
    ...fields(details.properties),
    ['headers', ''],
    ...fields(headers),
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  const lines = rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`.trimEnd())
  const how = [`${number(bytes)} bytes`, encoding === 'base64' && 'base64', cut && `the first ${BODY_BYTES}: --full`]
  const shown = body.split('\n').map(plain).join('\n')
  const where = typeof stack === 'string' ? ['stack', ...stack.split('\n').map(plain)] : []
  return [...lines, ...where, `body (${how.filter(Boolean).join(', ')})`, shown].join('\n')
}

function fields(values: Record<string, unknown>): [string, string][] {
  return Object.entries(values).map(([name, value]) => [`  ${plain(name)}`, plain(JSON.stringify(value))])
}
