import { finding, type Finding } from '../../base/finding.js'
import type { LogKind, LogLayout } from '../../log/log-layout.js'
import type { Facts } from './facts.js'

const LOGS: Readonly<Record<LogKind, { effect: string; todo: string }>> = {
  cancellations: {
    effect: 'earlier cancellations are gone, and the messages that they name are handled',
    todo: 'clear the policy that shortens it (see policies), and cancel again what is to be cancelled',
  },
  journal: {
    effect: 'earlier entries are gone, and messages that still wait are not listed',
    todo: 'clear the policy that shortens it (see policies); messages that are scheduled from then on are listed',
  },
  recurring: {
    effect: 'earlier definitions are gone, and their recurring messages end',
    todo: 'clear the policy that shortens it (see policies); a ticker writes again the definitions that it knows, within an hour; set the others again',
  },
}

/**
 * Streams that have dropped records of messages that may still wait: the first record that is left is not the first that was
 * written, and it is younger than the stream's horizon.
 */
export function checkTrimmed(log: LogLayout, { streamStarts }: Facts): Finding[] {
  const { effect, todo } = LOGS[log.kind]
  return log.horizons.flatMap((horizon) => {
    const stream = log.stream(horizon)
    const { offset = 0, ageMs = Infinity } = streamStarts?.get(stream) ?? {}
    if (offset === 0 || ageMs >= horizon.ms) return []
    const what = `stream ${stream} was shortened: it begins with record ${offset}, written ${age(ageMs)} ago; ${effect}`
    return [finding('warning', 'stream-trimmed', what, todo)]
  })
}

function age(ms: number): string {
  const hours = ms / 3_600_000
  if (hours >= 48) return `${Math.floor(hours / 24)} days`
  return hours >= 2 ? `${Math.floor(hours)} hours` : `${Math.floor(ms / 60_000)} minutes`
}
