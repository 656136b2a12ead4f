import { destinationText } from '../message/destination.js'
import type { WaitingMessage } from '../index.js'
import { number } from './progress.js'
import { rowsText, tableOf, type Column } from './table.js'
import { plain } from './terminal.js'
import type { Times } from './terminal-times.js'

/** A waiting message, as JSON shows it. */
export function waitingJson({ receipt, ...message }: WaitingMessage) {
  const { revision, destination } = receipt
  return { ...message, revision, destination }
}

const COLUMNS: readonly Column<WaitingMessage>[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['destination', ({ receipt }) => toText(receipt)],
  // A retry is handed over later than it was due: this is the time to see.
  ['due', ({ readyAt }) => readyAt],
  ['attempt', ({ attempt }) => attempt],
]

export function waitingTable(messages: readonly WaitingMessage[], times: Times): string {
  return tableOf(messages, COLUMNS, times)
}

/** @param body undefined if the journal keeps none */
export function waitingDetails(message: WaitingMessage, body: Uint8Array | undefined, times: Times): string {
  const { id, name, dueAt, readyAt, scheduledAt, attempt, headers, payload, receipt } = message
  const rows: [string, string][] = [
    ['id', plain(id)],
    ['name', plain(name)],
    ['destination', plain(toText(receipt))],
    ['due', times.when(dueAt)],
    ['handed over', times.when(readyAt)],
    ['scheduled', times.when(scheduledAt)],
    ['attempt', String(attempt)],
    ['revision', String(receipt.revision)],
    ['headers', ''],
    ...Object.entries(headers).map(([header, value]): [string, string] => [`  ${plain(header)}`, json(value)]),
    ['payload', payload === undefined ? missingPayload(body) : json(payload)],
  ]
  return rowsText(rows)
}

function missingPayload(body: Uint8Array | undefined): string {
  return body ? `(${number(body.byteLength)} bytes that are no JSON)` : '(the journal keeps no bodies)'
}

function json(value: unknown): string {
  return plain(JSON.stringify(value))
}

function toText({ destination }: WaitingMessage['receipt']): string {
  const { routingKey } = destination
  return `${destinationText(destination)}${routingKey ? ` ${routingKey}` : ''}`
}
