import { destinationText } from '../message/destination.js'
import type { WaitingMessage } from '../index.js'
import { tableOf, type Column } from './stored/text.js'
import { plain } from './terminal.js'

/** One that waits, as JSON shows it. */
export function waitingJson({ receipt, ...message }: WaitingMessage) {
  const { revision, destination } = receipt
  return { ...message, revision, destination }
}

const COLUMNS: readonly Column[] = ['id', 'name', 'destination', 'due', 'attempt'].map((title) => [
  title,
  (summary) => summary[title],
])

export function waitingTable(messages: readonly WaitingMessage[]): string {
  return tableOf(messages.map(summaryOf), COLUMNS)
}

/** A retry is handed over later than it was due: that is the time to see. */
function summaryOf({ id, name, receipt, readyAt, attempt }: WaitingMessage) {
  return { id, name, destination: toText(receipt), due: readyAt.toISOString(), attempt }
}

export function waitingDetails(message: WaitingMessage): string {
  const { id, name, dueAt, readyAt, scheduledAt, attempt, headers, payload, receipt } = message
  const rows: [string, string][] = [
    ['id', plain(id)],
    ['name', plain(name)],
    ['destination', plain(toText(receipt))],
    ['due', dueAt.toISOString()],
    ['handed over', readyAt.toISOString()],
    ['scheduled', scheduledAt.toISOString()],
    ['attempt', String(attempt)],
    ['revision', String(receipt.revision)],
    ['headers', ''],
    ...Object.entries(headers).map(([header, value]): [string, string] => [`  ${plain(header)}`, json(value)]),
    ['payload', payload === undefined ? '(no JSON)' : json(payload)],
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`.trimEnd()).join('\n')
}

function json(value: unknown): string {
  return plain(JSON.stringify(value))
}

function toText({ destination }: WaitingMessage['receipt']): string {
  const { routingKey } = destination
  return `${destinationText(destination)}${routingKey ? ` ${routingKey}` : ''}`
}
