import type { Expectation } from './expectation.js'
import type { Call, Message, Trouble } from './history.js'

export interface Evidence {
  expected: Expectation
  troubles: readonly Trouble[]
  resentAfterMs: number
  causeWithinMs: number
  marginMs: number
}

/** The cause of copies for which nothing was done. */
export const ELSEWHERE = 'nothing that was done; by two processes'

/** The cause of a second call for one attempt, if there is one. */
export function copyCause(
  before: readonly Call[],
  second: Call,
  triedAt: number,
  message: Message,
  { expected, troubles, resentAfterMs, causeWithinMs }: Evidence,
): string | undefined {
  const sameProcess = before.find(({ process }) => process === second.process)
  // A consumer never runs a handler again after it returned, whatever the broker does.
  if (sameProcess?.endedAt !== undefined && expected.steps[second.attempt - 1] === 'return') return undefined
  const from = sameProcess ? sameProcess.startedAt : Math.max(triedAt, before[0]!.startedAt - causeWithinMs)
  const its = new Set(message.copies.flatMap(({ process, calls }) => [process, ...calls.map((call) => call.process)]))
  const when = troubles.filter((trouble) => trouble.from <= second.startedAt && trouble.to >= from)
  const cause =
    when.find(({ process }) => process !== undefined && its.has(process)) ?? when.find(({ process }) => !process)
  if (cause) return cause.what
  const isResent = !sameProcess && second.startedAt - before[0]!.startedAt >= resentAfterMs
  return isResent ? ELSEWHERE : undefined
}

/**
 * The cause of a copy in a queue. A dead-lettered message carries no trace of the process that moved it: the fault of any
 * consumer may be the cause.
 */
export function keptCause(
  { troubles }: Pick<Evidence, 'troubles'>,
  from: number,
  to: number,
  producer: string,
): string | undefined {
  const isProducer = (process: string) => process.startsWith('producer')
  return troubles.find(
    ({ process, ...trouble }) =>
      trouble.from <= to &&
      trouble.to >= from &&
      (process === undefined || process === producer || !isProducer(process)),
  )?.what
}
