import { sumOf, type MessageCount } from '../operate/management/resources.js'
import { number } from './progress.js'
import type { StatusReport } from '../operate/status-report.js'
import { plain } from './terminal.js'

type Row = [label: string, count: string, remark: string]

/** A report for people. Empty dead queues are left out, but for those asked for by name. */
export function textOf(report: StatusReport, asked: boolean): string {
  return [...countLines(report, asked), '', sourceText(report)].join('\n')
}

/** Where the counts of a report are from. */
export function sourceText({ source }: StatusReport): string {
  return SOURCE[source]
}

export function countLines(report: StatusReport, asked: boolean): string[] {
  const { namespace, waiting, outlets, unroutable, parked, dead, journal } = report
  const shown = dead.filter(({ messages }) => asked || messages > 0)
  const rows: Row[] = [
    row('waiting', waiting),
    ...waiting.rungs.map((rung) => row(`  ${rung.rung}`, rung, rung.backedUp ? BACKED_UP : '')),
    row('outlets', sumOf(outlets)),
    ...outlets.map((outlet) =>
      'exchange' in outlet
        ? row(`  ${outlet.exchange}`, outlet, 'does the exchange route anywhere?')
        : row(`  ${outlet.target}`, outlet, 'is the queue full?'),
    ),
    ...(unroutable?.messages
      ? [row('unroutable', unroutable, 'sent on or parked by the next process that connects')]
      : []),
    row('parked', parked ?? sumOf([]), parked ? '' : `nothing was declared in namespace ${namespace} yet`),
    row('dead', sumOf(dead)),
    ...shown.map((one) => row(`  ${one.queue}`, one)),
    ['journal', journal ? 'on' : 'off', journalText(journal)],
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => cells[column]!.length))) as [number, number]
  return rows.map(([label, count, remark]) =>
    `${label.padEnd(widths[0])}  ${count.padStart(widths[1])}${remark && `  ${remark}`}`.trimEnd(),
  )
}

function journalText(journal: StatusReport['journal']): string {
  if (!journal) return 'waiting messages cannot be listed'
  const { since, records, unread } = journal
  if (records === null) return plain(`not read: ${unread}`)
  const begins = since === null ? '' : ` since ${since.replace(/\.\d+Z$/, 'Z')}`
  return `messages scheduled${begins}, about ${number(records)} records`
}

const BACKED_UP = 'overdue: it drains slower than it fills (more shards), or is jammed (dueque doctor)'

const SOURCE: Record<StatusReport['source'], string> = {
  management: 'Counted by the management API, some seconds ago.',
  amqp:
    'Counted over AMQP, which shows neither messages that a dead-letter worker holds on their way to the next queue, nor\n' +
    'unacked ones, nor outlets. Dead queues: those of --queue. Shards: --shards. For the rest: --management.',
}

function row(label: string, { messages, ready }: MessageCount, remark = ''): Row {
  const onTheWay = messages > ready ? `${number(messages - ready)} unsettled` : ''
  return [plain(label), number(messages), [onTheWay, remark].filter(Boolean).join('; ')]
}
