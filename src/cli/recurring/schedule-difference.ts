import type { RecurringSchedule } from '../../index.js'
import type { RecurringDefinition } from '../../recurring/definition.js'
import { scheduleView } from '../../recurring/schedule-view.js'
import { plain } from '../terminal.js'

/** What is to become of one schedule. */
export interface ScheduleDifference {
  readonly id: string
  readonly change: 'new' | 'changed' | 'removed' | 'none'
  /** Of a changed one. */
  readonly fields: readonly { readonly field: string; readonly from: unknown; readonly to: unknown }[]
}

/** They follow from the others. */
const NOT_COMPARED: readonly (keyof RecurringSchedule)[] = ['id', 'revision', 'nextAt']

/**
 * @param wanted undefined if it is to be removed
 * @param keepsState whether a paused schedule stays paused
 */
export function differenceOf(
  id: string,
  present: RecurringSchedule | undefined,
  wanted: RecurringDefinition | undefined,
  { keepsState, now }: { keepsState: boolean; now: number },
): ScheduleDifference {
  if (!wanted) return { id, change: 'removed', fields: [] }
  if (!present) return { id, change: 'new', fields: [] }
  const next = scheduleView(wanted, now)
  const names = (Object.keys(next) as (keyof RecurringSchedule)[]).filter((name) => !NOT_COMPARED.includes(name))
  const compared = keepsState ? names.filter((name) => name !== 'paused') : names
  const fields = compared.flatMap((field) =>
    textOf(present[field]) === textOf(next[field]) ? [] : [{ field, from: present[field], to: next[field] }],
  )
  return { id, change: fields.length > 0 ? 'changed' : 'none', fields }
}

const SIGNS = { new: '+', changed: '~', removed: '-', none: ' ' } as const

export function differenceText({ id, change, fields }: ScheduleDifference): string {
  const lines = fields.map(({ field, from, to }) => `    ${field}: ${textOf(from)} → ${textOf(to)}`)
  return [`${SIGNS[change]} ${plain(id)}`, ...lines.map(plain)].join('\n')
}

/** The same text for the same value, whatever the order of its keys. */
function textOf(value: unknown): string {
  const sorted = (_key: string, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one
  return JSON.stringify(value, sorted) ?? 'none'
}
