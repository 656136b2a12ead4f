import type { Receipt } from '../../../src/index.js'

/** A schedule or a reschedule, which both make a copy of a message. */
export interface Copy {
  /** Travels in its payload. */
  readonly label: string
  /** Of the call that made it: a later call has a greater revision. */
  readonly order: number
  readonly receipt: Receipt
  readonly failures: number
  isRepeated: boolean
}

/** A cancellation that was confirmed, also the one of a reschedule. */
export interface Cancelled {
  readonly id: string
  /** The copies that it names, by their revision and the order of the calls. */
  readonly names: (copy: Copy) => boolean
  /** The due time that was given, in milliseconds since the epoch. */
  readonly due: number | undefined
  readonly answer: string
  readonly askedAt: number
  readonly answeredAt: number
}

export interface Attempt {
  readonly label: string
  readonly attempt: number
  readonly at: number
}

/** The default of `connect`. */
const MARGIN_MS = 1000
/** How long a record may take to a consumer when nothing is promised: this machine may be busy. */
const LAG_MS = 1500

/** What a run did that the documentation does not allow, in words. */
export function violations(
  copies: readonly Copy[],
  cancellations: readonly Cancelled[],
  attempts: readonly Attempt[],
): string[] {
  const ofCopy = byLabel(attempts)
  return [
    ...cancellations.flatMap(wrongAnswer),
    ...copies.flatMap((copy) => ofOne(copy, cancellations, ofCopy.get(copy.label) ?? [])),
  ]
}

function byLabel(attempts: readonly Attempt[]): Map<string, Attempt[]> {
  const groups = new Map<string, Attempt[]>()
  for (const attempt of attempts) groups.set(attempt.label, [...(groups.get(attempt.label) ?? []), attempt])
  return groups
}

function wrongAnswer({ id, due, answer, askedAt, answeredAt }: Cancelled): string[] {
  const allowed = due === undefined ? ['unknown'] : []
  if (due !== undefined && answeredAt >= askedAt) {
    if (askedAt + MARGIN_MS <= due) allowed.push('cancelled')
    if (answeredAt + MARGIN_MS > due) allowed.push('too-late')
  }
  return allowed.includes(answer) ? [] : [`${id}: answered ${answer}, expected ${allowed.join(' or ')}`]
}

function ofOne(copy: Copy, cancellations: readonly Cancelled[], attempts: readonly Attempt[]): string[] {
  const { label, receipt, failures, isRepeated } = copy
  const dueAt = Date.parse(receipt.dueAt)
  const naming = cancellations.filter((one) => one.id === receipt.id && one.names(copy))
  const wrong = (what: string) => `${label}: ${what}; attempts ${JSON.stringify(attempts)}, due ${dueAt}`
  const problems: string[] = []
  if (attempts.some(({ at }) => at < dueAt)) problems.push(wrong('handled early'))
  const numbers = new Set(attempts.map(({ attempt }) => attempt))
  if (numbers.size < attempts.length && !isRepeated) problems.push(wrong('handled twice'))
  if (numbers.size > failures + 1) problems.push(wrong('handled again after its success'))
  if (naming.length === 0) {
    if (numbers.size < failures + 1) problems.push(wrong(`${failures + 1} attempts were expected`))
    return problems
  }
  const inTime = naming.some(({ answeredAt, answer, due }) => {
    return answeredAt + MARGIN_MS <= dueAt || (answer === 'cancelled' && due! <= dueAt)
  })
  if (inTime && attempts.length > 0) problems.push(wrong('handled though it was cancelled in time'))
  const namedAt = Math.min(...naming.map(({ answeredAt }) => answeredAt))
  if (attempts.some(({ at }) => at > namedAt + LAG_MS)) problems.push(wrong(`handled after ${namedAt}`))
  return problems
}
