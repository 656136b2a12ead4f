import { durationText } from '../../../base/duration-text.js'
import type { RecurringRow } from '../../api.js'

/** When a schedule runs: `0 9 * * * in Europe/Berlin`, `every 5 min`. */
export function ruleText({ cron, tz, everyMs }: RecurringRow): string {
  if (cron !== null) return `${cron} in ${tz ?? 'UTC'}`
  return everyMs === null ? '–' : `every ${durationText(everyMs)}`
}
