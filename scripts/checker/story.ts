import type { Expectation } from './expectation.js'
import type { Call, Cancellation, Copy, Message } from './history.js'

/** All that is known of a message, in one line. */
export function storyOf(message: Message, { steps, stays }: Expectation): string {
  const { copies, cancellations, kept } = message
  return [
    `expected ${stays ? 'to wait' : steps.join(' ')}`,
    ...copies.map(copyText),
    ...cancellations.map(cancellationText),
    ...copies.flatMap(({ k, calls }) =>
      calls.map((call) => `${callText(k, call)} ${call.startedAt} to ${call.endedAt ?? 'no end'}`),
    ),
    ...kept.map(
      ({ k, is, place, reason }) => `copy ${k} ${is} in ${place}${reason === undefined ? '' : `: ${reason}`}`,
    ),
  ].join('; ')
}

export function callText(k: number, { attempt, process }: Call): string {
  return `attempt ${attempt} of copy ${k} in ${process}`
}

function copyText({ k, outcome, process, triedAt, due, told = due }: Copy): string {
  return `copy ${k} ${outcome} by ${process}, tried at ${triedAt}, due ${due}${told === due ? '' : `, told ${told}`}`
}

function cancellationText({ process, askedAt, below, answer, answeredAt }: Cancellation): string {
  const what = below === Infinity ? 'cancelled' : `replaced by copy ${below}`
  return `${what} by ${process} at ${askedAt}, answer ${answer ?? 'none'}${answeredAt === undefined ? '' : ` at ${answeredAt}`}`
}
