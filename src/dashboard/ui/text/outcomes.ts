import type { Job } from '../../api.js'
import { countText, numberText } from './numbers.js'

const OUTCOMES: Readonly<Record<keyof Job['outcomes'], string>> = {
  cancelled: 'cancelled',
  'too-late': 'too late',
  unknown: 'unknown',
  'not-waiting': 'not waiting any more',
  rescheduled: 'rescheduled',
  redriven: 'redriven',
  removed: 'removed',
  failed: 'failed',
}

/** `3 cancelled, 1 too late`. */
export function outcomesText(outcomes: Job['outcomes']): string {
  return Object.entries(outcomes)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${numberText(count)} ${OUTCOMES[name as keyof Job['outcomes']] ?? name}`)
    .join(', ')
}

/** One line about a job: how far it is, or how it ended. */
export function jobText({ state, done, of, outcomes, failure }: Job): string {
  const parts = outcomesText(outcomes)
  const tail = parts && `: ${parts}`
  const why = failure ? `. ${failure.message}` : ''
  switch (state) {
    case 'running':
      return `${numberText(done)} ${of === null ? 'so far' : `of ${numberText(of)}`}${tail}`
    case 'done':
      return `Done${tail || `: ${countText(done, 'message')}`}${why}`
    case 'stopped':
      return `Stopped after ${countText(done, 'message')}${tail}`
    case 'failed':
      return `Failed after ${countText(done, 'message')}${tail}${why}`
  }
}
