import { counted } from '../../../base/counted.js'
import type { CancelResult } from '../../../index.js'
import { changeEach, findWaiting, type FoundMessage } from '../../../operate/waiting-changes.js'
import { checkFilter } from '../../../schedule/list-options.js'
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
  const found = await withWaiting(options, terminal, (waiting) =>
    findWaiting((...all) => waiting.forEach(...all), checked),
  )
  if (dryRun) return planned(found.length, terminal)
  const what = counted(found.length, 'waiting message', 'waiting messages', number)
  const question = `Cancel ${what} ${filterText(filter)}?`
  if (found.length > 0 && !yes && !(await isConfirmed(question))) {
    await report(terminal, { ...NONE })
    return EXIT.partial
  }
  if (found.length > 0) return withCancelling(options, terminal, (methods) => cancelEach(found, methods, terminal))
  await report(terminal, { ...NONE })
  return EXIT.ok
}

async function planned(cancelled: number, terminal: Terminal): Promise<number> {
  if (terminal.json) await terminal.printJson({ cancelled, tooLate: 0, notWaiting: 0, dryRun: true })
  else await terminal.print(`${number(cancelled)} would be cancelled`)
  return EXIT.ok
}

async function cancelEach(found: readonly FoundMessage[], { cancel }: Cancelling, terminal: Terminal): Promise<number> {
  const counts = { ...NONE }
  const stop = new Stop(terminal)
  const progress = terminal.progress('cancelling', 'confirmed')
  let failure: Error | undefined
  let done = 0
  for await (const result of changeEach(found, cancel, stop.signal)) {
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
