import type { Command } from 'commander'
import type { Recurring, RecurringSchedule } from '../../../index.js'
import { errorJson, EXIT, usage } from '../../exit.js'
import { number } from '../../progress.js'
import { readSchedules, type CheckedEntry } from '../../recurring/recurring-file.js'
import { differenceOf, differenceText, type ScheduleDifference } from '../../recurring/schedule-difference.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import type { Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

type Options = Settings & { prune?: boolean; idPrefix?: string; dryRun?: boolean; declare?: boolean }

const HELP = `
FILE is a list, in YAML or JSON. The fields of a schedule are the options of dueque recurring set, in camelCase; a cron pattern
that begins with * needs quotes in YAML:
  - id: report
    cron: 0 9 * * *
    tz: Europe/Berlin
    queue: reports
    name: report
    data: { kind: daily }
It is checked as a whole before anything is written. Prints + for a new schedule, ~ for a changed one with its fields, - for one
that is removed. Exits with 1 if one could not be set.

Examples:
  dueque recurring apply schedules.yaml --dry-run
  dueque recurring apply team-a.yaml --prune --id-prefix team-a/`

export function addApply(group: Command, terminal: Terminal): void {
  group
    .command('apply')
    .description('set the schedules of a file')
    .argument('<file>', 'named *.yaml, *.yml or *.json')
    .option('--prune', 'remove schedules that are not in the file')
    .option('--id-prefix <text>', 'with --prune: just those whose id begins with this text, as all of the file must')
    .option('--dry-run', 'show the difference, and change nothing')
    .option('--declare', 'declare missing queues instead of failing')
    .addHelpText('after', HELP)
    .action(async (file: string, _options: Options, self: Command) =>
      apply(file, self.optsWithGlobals<Options>(), terminal),
    )
}

async function apply(file: string, options: Options, terminal: Terminal): Promise<void> {
  const { prune = false, idPrefix, dryRun = false } = options
  if (idPrefix !== undefined && !prune) throw usage('--id-prefix: only beside --prune')
  if (idPrefix === '') throw usage('--id-prefix: expected a text, got ""')
  const entries = await readSchedules(file, Date.now())
  const outside = entries.find(({ id }) => !id.startsWith(idPrefix ?? ''))
  if (outside) throw usage(`${file}: the id ${plain(outside.id)} does not begin with --id-prefix`)
  await withRecurring(options, terminal, async (recurring) => {
    const present = await presentOnes(recurring, entries, options)
    const differences = differencesOf(entries, present)
    const all = differences.filter(({ change }) => change !== 'none')
    for (const one of all) await (terminal.json ? terminal.printJson(one) : terminal.print(differenceText(one)))
    const done = dryRun ? undefined : await carryOut(recurring, entries, all, options, terminal)
    await report(differences, done, terminal)
  })
}

/** By id: those of the file, and with --prune all others that it may remove. */
async function presentOnes(
  recurring: Recurring,
  entries: readonly CheckedEntry[],
  { prune, idPrefix }: Options,
): Promise<Map<string, RecurringSchedule>> {
  const found: RecurringSchedule[] = []
  if (prune)
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const page = await recurring.list({ idPrefix, limit: 1000, cursor })
      found.push(...page.schedules)
      cursor = page.cursor
    }
  else
    for (let at = 0; at < entries.length; at += 500) {
      const some = await Promise.all(entries.slice(at, at + 500).map(({ id }) => recurring.get(id)))
      found.push(...some.filter((one) => one !== undefined))
    }
  return new Map(found.map((one) => [one.id, one]))
}

function differencesOf(
  entries: readonly CheckedEntry[],
  present: ReadonlyMap<string, RecurringSchedule>,
): ScheduleDifference[] {
  const now = Date.now()
  const ids = new Set(entries.map(({ id }) => id))
  const gone = [...present.keys()].filter((id) => !ids.has(id))
  return [
    ...entries.map(({ id, definition, options }) =>
      differenceOf(id, present.get(id), definition, { keepsState: options.paused === undefined, now }),
    ),
    ...gone.map((id) => differenceOf(id, present.get(id), undefined, { keepsState: true, now })),
  ]
}

/** How many could not be set. Nothing is removed then. */
interface Done {
  readonly failed: number
  readonly removed: number
}

async function carryOut(
  recurring: Recurring,
  entries: readonly CheckedEntry[],
  differences: readonly ScheduleDifference[],
  { declare }: Options,
  terminal: Terminal,
): Promise<Done> {
  const meant = new Set(differences.filter(({ change }) => change !== 'removed').map(({ id }) => id))
  const items = entries.filter(({ id }) => meant.has(id)).map(({ id, options }) => ({ id, ...options, declare }))
  const { failed, failures } = await recurring.setAll(items)
  for (const { item, error } of failures)
    if (terminal.json) await terminal.printJson({ id: item.id, error: errorJson(error) })
    else terminal.error(error)
  if (failed > 0) {
    process.exitCode = EXIT.partial
    return { failed, removed: 0 }
  }
  const gone = differences.filter(({ change }) => change === 'removed')
  for (const { id } of gone) await recurring.remove(id)
  return { failed, removed: gone.length }
}

async function report(
  differences: readonly ScheduleDifference[],
  done: Done | undefined,
  terminal: Terminal,
): Promise<void> {
  const count = (which: ScheduleDifference['change']) => differences.filter(({ change }) => change === which).length
  const counts = { new: count('new'), changed: count('changed'), removed: done?.removed ?? count('removed') }
  const all = { ...counts, unchanged: count('none'), failed: done?.failed ?? 0 }
  if (terminal.json) {
    await terminal.printJson({ ...all, dryRun: done === undefined })
    return
  }
  const parts = Object.entries(all).flatMap(([what, n]) => (n > 0 ? [`${number(n)} ${what}`] : []))
  const text = parts.length > 0 ? parts.join(', ') : 'no schedules'
  await terminal.print(done ? text : `${text}; nothing is written (--dry-run)`)
}
