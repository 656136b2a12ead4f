import type { CancelResult, Receipt } from '../../../index.js'
import { isoTime } from '../../../message/iso-time.js'
import { readyAt } from '../../../message/delayed-message.js'
import { checkFilter } from '../../../schedule/list-options.js'
import { runAll } from '../../../schedule/run-all.js'
import { withCancelling, type Cancelling } from '../../cancelling.js'
import { isConfirmed } from '../../confirm.js'
import { EXIT, exitCodeOf, usage } from '../../exit.js'
import { number } from '../../progress.js'
import type { Settings } from '../../settings.js'
import { Stop } from '../../stop.js'
import type { Terminal } from '../../terminal.js'
import { filterFlags, filterOf, filterText, type FilterOptions } from '../../waiting-filter.js'
import { withWaiting } from '../../with-waiting.js'

export type CancelAllOptions = Settings & FilterOptions & { yes?: boolean; dryRun?: boolean }

/** How many cancellations are on their way at a time. */
export const AT_A_TIME = { messages: 1000, bytes: Infinity, bodyBytes: 0 }

/** A message as it waited when it was looked for. */
interface Found {
  readonly id: string
  readonly revision: number
  readonly readyAt: number
}

/**
 * Cancels every waiting message that fits: those that were counted before the question, and none that comes later.
 *
 * @returns the exit code
 * @throws CommandError, DuequeError of wrong usage, before anything is asked
 */
export async function cancelAll(options: CancelAllOptions, terminal: Terminal): Promise<number> {
  const filter = filterOf(options)
  if (filterFlags(options).length === 0)
    throw usage('--all: which ones? --queue, --exchange, --name, --id-prefix, --header, --from or --to')
  const { yes, dryRun } = options
  if (!yes && !dryRun && !process.stdin.isTTY) throw usage('--all cancels every message that fits: confirm with --yes')
  const checked = checkFilter(filter)
  const found: Found[] = []
  await withWaiting(options, terminal, (waiting) =>
    waiting.forEach(checked, (message) => {
      const { id, revision } = message
      found.push({ id, revision, readyAt: readyAt(message) })
    }),
  )
  if (dryRun) return planned(found.length, terminal)
  const what = `${number(found.length)} waiting message${found.length === 1 ? '' : 's'}`
  const question = `Cancel ${what} ${filterText(filter)}?`
  if (found.length > 0 && !yes && !(await isConfirmed(question))) {
    await report(terminal, { ...NONE })
    return EXIT.partial
  }
  // Those that are due first are soon too late.
  found.sort((a, b) => a.readyAt - b.readyAt)
  if (found.length > 0) return withCancelling(options, terminal, (methods) => cancelEach(found, methods, terminal))
  await report(terminal, { ...NONE })
  return EXIT.ok
}

async function planned(cancelled: number, terminal: Terminal): Promise<number> {
  if (terminal.json) await terminal.printJson({ cancelled, tooLate: 0, notWaiting: 0, dryRun: true })
  else await terminal.print(`${number(cancelled)} would be cancelled`)
  return EXIT.ok
}

async function cancelEach(found: readonly Found[], { cancel }: Cancelling, terminal: Terminal): Promise<number> {
  const counts = { ...NONE }
  const stop = new Stop(terminal)
  const progress = terminal.progress('cancelling', 'confirmed')
  let failure: Error | undefined
  let done = 0
  const run = (one: Found) => cancel(targetOf(one))
  for await (const result of runAll(until(stop.signal, found), { run, done: (outcome) => ({ outcome }) }, AT_A_TIME)) {
    const { item, outcome, error } = result
    if (error) {
      // It is not about the one message: the others would fail as well.
      failure ??= error
      stop.now('done')
      continue
    }
    counts[outcome]++
    progress.update(++done, done / found.length)
    const { id, revision } = item
    if (terminal.json && !(await terminal.printJson({ id, revision, outcome }))) stop.now('output closed')
  }
  progress.end()
  await report(terminal, counts, stop.reason)
  if (failure) {
    terminal.error(failure)
    return exitCodeOf(failure)
  }
  const { reason } = stop
  if (reason === 'SIGINT' || reason === 'SIGTERM') return EXIT[reason]
  return counts.cancelled === found.length ? EXIT.ok : EXIT.partial
}

function* until<T>(signal: AbortSignal, items: readonly T[]): Generator<T> {
  for (const item of items) {
    if (signal.aborted) return
    yield item
  }
}

/** A retry is handed over later than the message was due: the cancellation has to last as long. */
function targetOf({ id, revision, readyAt }: Found): Receipt {
  return { id, revision, dueAt: isoTime(readyAt) } as Receipt
}

const NONE: Record<CancelResult, number> = { cancelled: 0, 'too-late': 0, 'not-waiting': 0, unknown: 0 }

async function report(
  terminal: Terminal,
  counts: Record<CancelResult, number>,
  reason?: Stop['reason'],
): Promise<void> {
  const { cancelled, 'too-late': tooLate, 'not-waiting': notWaiting } = counts
  if (terminal.json) {
    await terminal.printJson({ cancelled, tooLate, notWaiting })
    return
  }
  const late = tooLate > 0 ? `, ${number(tooLate)} too late` : ''
  const gone = notWaiting > 0 ? `, ${number(notWaiting)} not waiting any more` : ''
  const stopped = reason === undefined ? '' : `, then ${reason === 'done' ? 'an error' : reason}: the others still wait`
  await terminal.print(`${number(cancelled)} cancelled${late}${gone}${stopped}`)
}
