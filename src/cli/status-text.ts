import { counted } from '../base/counted.js'
import { sumOf, type MessageCount } from '../operate/management/resources.js'
import type { CountReport, StatusReport } from '../operate/status-report.js'
import type { TargetStatus } from '../operate/status/target-status.js'
import { number } from './progress.js'
import { STYLE_OF, type StyledLine } from './styled.js'
import { tableOf, type Column } from './table.js'
import { plain } from './terminal.js'
import type { Times } from './terminal-times.js'

export interface CountTextOptions {
  /** Whether queues were asked for by name: empty dead queues are left out otherwise. */
  asked: boolean
  /** Whether every rung with messages is shown, and not only those that are backed up. */
  rungs: boolean
  times: Times
}

interface Row {
  cells: [label: string, count: string, remark: string]
  style?: StyledLine['style']
}

/** A report for people: first by target, then by purpose. */
export function statusLines(report: StatusReport, options: CountTextOptions): StyledLine[] {
  const { targets } = report
  return [
    ...(targets.length > 0 ? [...targetLines(targets, options.times), { text: '' }] : []),
    ...countLines({ ...report, dead: [] }, options, sumOf(report.dead)),
    { text: '' },
    ...[...unknownTexts(report), sourceText(report)].map((text): StyledLine => ({ text, style: 'dim' })),
  ]
}

const COLUMNS: readonly Column<TargetStatus>[] = [
  ['target', ({ target }) => target],
  ['ready', ({ ready }) => ready ?? undefined],
  ['unacked', ({ messages, ready }) => (messages === null || ready === null ? undefined : messages - ready)],
  ['waiting', ({ waiting }) => waiting ?? undefined],
  ['next due', ({ nextAt }) => dateOf(nextAt)],
  ['last due', ({ lastAt }) => dateOf(lastAt)],
  ['dead', ({ dead }) => dead ?? undefined],
  ['oldest dead', ({ oldestDeadAt }) => dateOf(oldestDeadAt)],
  [
    '',
    ({ exists, waiting }) => (exists === false ? `is missing${waiting ? ': its messages will be parked' : ''}` : ''),
  ],
]

function targetLines(targets: readonly TargetStatus[], times: Times): StyledLine[] {
  const [head = '', ...lines] = tableOf(targets, COLUMNS, times).split('\n')
  return [
    { text: head, style: 'bold' },
    ...lines.map((text, i) => ({ text, style: isProblem(targets[i]!) ? STYLE_OF.warning : undefined })),
  ]
}

function isProblem({ exists, dead }: TargetStatus): boolean {
  return exists === false || (dead ?? 0) > 0
}

function dateOf(iso: string | null): Date | undefined {
  return iso === null ? undefined : new Date(iso)
}

/** What a dash stands for. */
function unknownTexts({ waitingIn, journal, source, waiting: { messages } }: StatusReport): string[] {
  const waiting =
    waitingIn === null &&
    (journal
      ? 'Waiting messages by target, and their due times: the journal was not read.'
      : 'Waiting messages by target, and their due times: not known without a journal (ladder({ journal: true })) or a store\n' +
        '(--redis, --postgres).')
  const targets =
    source === 'amqp' && 'Targets: those of --queue, and of waiting messages. The management API shows the others.'
  const apart = waitingIn?.source === 'journal' ? messages - waitingIn.messages : 0
  const unlisted =
    apart > 0 && `About ${number(apart)} waiting messages are not in the journal: their targets are not known.`
  return [waiting, unlisted, targets].filter((text) => text !== false)
}

/** Where the counts of a report are from. */
export function sourceText({ source }: Pick<CountReport, 'source'>): string {
  return SOURCE[source]
}

/** @param deadCount with those dead queues that have no row */
export function countLines(
  report: CountReport & Partial<Pick<StatusReport, 'waitingIn'>>,
  { asked, rungs: all, times }: CountTextOptions,
  deadCount = sumOf(report.dead),
): StyledLine[] {
  const { namespace, waiting, outlets, unroutable, parked, dead, journal, recurring, waitingIn } = report
  const rungs = waiting.rungs.filter(({ backedUp }) => all || backedUp)
  const hidden = waiting.rungs.length - rungs.length
  const rows: Row[] = [
    row('waiting', waiting, hidden > 0 ? `in ${counted(hidden, 'rung')} (--rungs shows each)` : ''),
    ...rungs.map((one) => (one.backedUp ? problem(row(`  ${one.rung}`, one, BACKED_UP)) : row(`  ${one.rung}`, one))),
    ...storeRow(waitingIn, times),
    row('outlets', sumOf(outlets)),
    ...outlets.map((outlet) =>
      'exchange' in outlet
        ? problem(row(`  ${outlet.exchange}`, outlet, 'does the exchange route anywhere?'))
        : problem(row(`  ${outlet.target}`, outlet, 'is the queue full?')),
    ),
    ...(unroutable?.messages
      ? [problem(row('unroutable', unroutable, 'sent on or parked by the next process that connects'))]
      : []),
    failedRow('parked', parked ?? sumOf([]), parked ? '' : `nothing was declared in namespace ${namespace} yet`),
    failedRow('dead', deadCount),
    ...dead.filter(({ messages }) => asked || messages > 0).map((one) => row(`  ${one.queue}`, one)),
    { cells: ['journal', journal ? 'on' : 'off', journalText(journal, waitingIn, times)] },
    ...(recurring ? [recurringRow(recurring)] : []),
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map(({ cells }) => cells[column]!.length))) as [number, number]
  return rows.map(({ cells: [label, count, remark], style }) => ({
    text: `${label.padEnd(widths[0])}  ${count.padStart(widths[1])}${remark && `  ${remark}`}`.trimEnd(),
    style,
  }))
}

function storeRow(waitingIn: StatusReport['waitingIn'] | undefined, times: Times): Row[] {
  if (!waitingIn || waitingIn.source === 'journal') return []
  const { source, messages, nextAt, lastAt } = waitingIn
  const when =
    nextAt === null || lastAt === null
      ? ''
      : `next due ${times.when(new Date(nextAt))}; last due ${times.when(new Date(lastAt))}`
  return [{ cells: [source, number(messages), when] }]
}

function journalText(
  journal: StatusReport['journal'],
  waitingIn: StatusReport['waitingIn'] | undefined,
  times: Times,
): string {
  // Those of a store can be listed without one.
  if (!journal) return waitingIn ? '' : 'waiting messages cannot be listed'
  const { since, records, unread } = journal
  if (unread !== undefined || records === null) return plain(`not read: ${unread ?? ''}`)
  const begins = since === null ? '' : ` since ${times.when(new Date(since))}`
  return `messages scheduled${begins}, about ${counted(records, 'record', 'records', number)}`
}

function recurringRow({ definitions, unreadable, tickers, unread }: NonNullable<StatusReport['recurring']>): Row {
  const isStopped = !tickers && definitions !== 0 && definitions !== null
  const remarks = [
    ...(unread === undefined ? [] : [plain(`not read: ${unread}`)]),
    ...(unread === undefined && definitions === null ? ['defined in a store'] : []),
    ...(unreadable > 0 ? [`${number(unreadable)} cannot be read`] : []),
    ...(tickers ? [counted(tickers, 'ticker', 'tickers', number)] : []),
    ...(isStopped ? ['no ticker runs: nothing is sent (dueque ticker)'] : []),
  ]
  const one: Row = { cells: ['recurring', definitions === null ? '' : number(definitions), remarks.join('; ')] }
  return isStopped || unreadable > 0 ? problem(one) : one
}

const BACKED_UP = 'overdue: it drains slower than it fills (more shards), or is jammed (dueque doctor)'

const SOURCE: Record<CountReport['source'], string> = {
  management: 'Counted by the management API, some seconds ago.',
  amqp:
    'Counted over AMQP, which shows neither messages that a dead-letter worker holds on their way to the next queue, nor\n' +
    'unacked ones, nor outlets. Dead queues: those of --queue. Shards: --shards. For the rest: --management.',
}

function row(label: string, { messages, ready }: MessageCount, remark = ''): Row {
  const onTheWay = messages > ready ? `${number(messages - ready)} unsettled` : ''
  return { cells: [plain(label), number(messages), [onTheWay, remark].filter(Boolean).join('; ')] }
}

function problem(one: Row): Row {
  return { ...one, style: STYLE_OF.warning }
}

/** Messages that need an operator are a problem. */
function failedRow(label: string, count: MessageCount, remark = ''): Row {
  const one = row(label, count, remark)
  return count.messages > 0 ? problem(one) : one
}
