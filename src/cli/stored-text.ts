import type { Stored } from '../amqp/storage-queue.js'
import { decodeEnvelope, HEADER } from '../envelope.js'
import { number } from './progress.js'
import { idOf } from './storage.js'
import { plain } from './terminal.js'

/** A stored message in brief. What it does not say is left out. */
export interface Summary {
  id: string | undefined
  name: string | undefined
  /** `dueque-to`. */
  destination: string | undefined
  dueAt: string | undefined
  parkedAt: string | undefined
  /** Of the body. */
  bytes: number
}

export interface Details extends Summary {
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

export function summaryOf(stored: Stored): Summary {
  const { headers, body } = stored
  const { name, dueAt } = decodeEnvelope(stored)
  const to = headers[HEADER.to]
  return {
    id: idOf(stored),
    name,
    destination: typeof to === 'string' ? to : undefined,
    dueAt: instant(dueAt),
    parkedAt: instant(headers[HEADER.parkedAt]),
    bytes: body.byteLength,
  }
}

/** @param full the whole body */
export function detailsOf(stored: Stored, full: boolean): Details {
  const { body, exchange, routingKey, headers } = stored
  const known = Object.entries(stored.properties).filter(([, value]) => value !== undefined)
  const cut = !full && body.byteLength > BODY_BYTES
  return {
    ...summaryOf(stored),
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

function instant(value: unknown): string | undefined {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : undefined
}

export function tableOf(summaries: readonly Summary[]): string {
  const rows = summaries.map(({ id, name, destination, dueAt, parkedAt, bytes }) => [
    ...[id, name, destination, dueAt, parkedAt].map((text) => plain(text ?? '-')),
    number(bytes),
  ])
  rows.unshift(['ID', 'NAME', 'DESTINATION', 'DUE', 'PARKED', 'BYTES'])
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const line = (cells: string[]) =>
    cells.map((cell, i) => (i === cells.length - 1 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')
  return rows.map(line).join('\n')
}

export function textOfDetails(details: Details): string {
  const { id, name, destination, dueAt, parkedAt, exchange, routingKey, bytes, encoding, body, cut } = details
  const rows: [string, string | undefined][] = [
    ['id', id],
    ['name', name],
    ['destination', destination],
    ['due', dueAt],
    ['parked', parkedAt],
    ['exchange', exchange],
    ['routing key', routingKey],
    ['properties', ''],
    ...fields(details.properties),
    ['headers', ''],
    ...fields(details.headers),
  ]
  const width = Math.max(...rows.map(([label]) => plain(label).length))
  const lines = rows.map(([label, value]) => `${plain(label).padEnd(width)}  ${plain(value ?? '-')}`.trimEnd())
  const how = [`${number(bytes)} bytes`, encoding === 'base64' && 'base64', cut && `the first ${BODY_BYTES}: --full`]
  const shown = body.split('\n').map(plain).join('\n')
  return [...lines, `body (${how.filter(Boolean).join(', ')})`, shown].join('\n')
}

function fields(values: Record<string, unknown>): [string, string][] {
  return Object.entries(values).map(([name, value]) => [`  ${name}`, JSON.stringify(value)])
}
