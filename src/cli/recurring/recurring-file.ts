import { readFile } from 'node:fs/promises'
import { errorText, shown } from '../../base/errors.js'
import { checkRecurring } from '../../recurring/check-recurring.js'
import type { RecurringDefinition } from '../../recurring/definition.js'
import { usage } from '../exit.js'
import { parseJson } from '../json.js'
import { entryOf, type RecurringEntry } from './recurring-fields.js'

/** A schedule of a file, checked. */
export interface CheckedEntry extends RecurringEntry {
  readonly definition: RecurringDefinition
}

/** Problems that are shown of one file. */
const MOST_PROBLEMS = 20

/**
 * The schedules of a file, which is JSON, or YAML by its name.
 *
 * @throws CommandError of wrong usage, with each problem
 */
export async function readSchedules(path: string, now: number): Promise<readonly CheckedEntry[]> {
  const values = await parsed(path)
  if (!Array.isArray(values)) throw usage(`${path}: expected a list of schedules, got ${shown(values)}`)
  const [entries, problems]: [CheckedEntry[], string[]] = [[], []]
  const ids = new Set<string>()
  for (const [i, value] of (values as unknown[]).entries()) {
    try {
      const entry = entryOf(value, `[${i}]`)
      const { id } = entry
      const definition = await checkRecurring(id, entry.options, now)
      if (ids.has(id)) throw new Error(`id: ${shown(id)} is there twice`)
      ids.add(id)
      entries.push({ ...entry, definition })
    } catch (error) {
      problems.push(problemOf(i, value, error))
    }
  }
  if (problems.length === 0) return entries
  const shownOnes = problems.slice(0, MOST_PROBLEMS)
  const more = problems.length > shownOnes.length ? [`… and ${problems.length - shownOnes.length} more`] : []
  throw usage(`${path}: nothing is changed. ${[...shownOnes, ...more].join('; ')}`)
}

async function parsed(path: string): Promise<unknown> {
  const isYaml = /\.ya?ml$/i.test(path)
  if (!isYaml && !/\.json$/i.test(path)) throw usage(`${path}: expected a file named *.yaml, *.yml or *.json`)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
    return isYaml ? await parseYaml(text) : parseJson(text)
  } catch (error) {
    throw usage(`${path}: ${errorText(error)}`, error)
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  const exact = (_key: unknown, value: unknown) => (typeof value === 'bigint' ? exactNumber(value) : value)
  return parse(text, exact, { intAsBigInt: true, prettyErrors: true }) as unknown
}

/** @throws Error for a number that would arrive as another one */
function exactNumber(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new Error(`the number ${value} cannot be kept as it is: write it as a string`)
}

function problemOf(i: number, value: unknown, error: unknown): string {
  const { id } = Object(value) as { id?: unknown }
  const name = typeof id === 'string' && id !== '' ? ` (${shown(id)})` : ''
  return `[${i}]${name}: ${errorText(error).replace(`[${i}].`, '')}`
}
