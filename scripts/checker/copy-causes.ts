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
  const mayReturn = expected.steps[second.attempt - 1] === 'return'
  // A consumer never runs a handler again after it returned, whatever the broker does.
  if (sameProcess?.endedAt !== undefined && mayReturn && !expected.isForeign) return undefined
  // With a dedupe store, no other one does either.
  const isSettled = expected.isDeduped === true && mayReturn && before.some(({ endedAt }) => endedAt !== undefined)
  // A copy that was made before reaches a handler only if nobody suppresses it.
  const since = isSettled ? before[0] : expected.isForeign ? undefined : sameProcess
  const from = since?.startedAt ?? Math.max(triedAt, before[0]!.startedAt - causeWithinMs)
  const when = troubles.filter(
    ({ forgets, exceeds, ...trouble }) =>
      exceeds !== 'partition' && trouble.from <= second.startedAt && trouble.to >= from && (!isSettled || forgets),
  )
  const cause =
    when.find(({ process }) => process !== undefined && isOf(process, message, expected)) ??
    when.find(({ process }) => !process)
  if (cause) return cause.what
  const isResent = !sameProcess && !expected.isDeduped && second.startedAt - before[0]!.startedAt >= resentAfterMs
  return isResent ? ELSEWHERE : undefined
}

/** Whether a process had the message. */
export function isOf(process: string, { copies, cancellations }: Message, { via }: Expectation): boolean {
  const are = (all: readonly { process: string }[]) => all.some((one) => one.process === process)
  if (via !== undefined && process.startsWith(via)) return true
  return are(copies) || are(cancellations) || copies.some(({ calls }) => are(calls))
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
    ({ process, exceeds, ...trouble }) =>
      exceeds !== 'partition' &&
      trouble.from <= to &&
      trouble.to >= from &&
      (process === undefined || process === producer || !isProducer(process)),
  )?.what
}
