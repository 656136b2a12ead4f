import type { Account, Books, Call, Stored, Trouble } from './books.js'
import { deadReasonOf, waitAfterMs, type Course } from './course.js'

/** Findings that are errors. */
export type Fault =
  | 'lost'
  | 'still waiting'
  | 'early'
  | 'unexplained copy'
  | 'refused, but arrived'
  | 'never scheduled'
  | 'wrong end'
  | 'wrong attempt'

export interface Finding {
  n: number
  fault: Fault
  text: string
}

export interface Audit {
  findings: Finding[]
  /** Of the messages that were scheduled. */
  outcomes: Record<Account['outcome'], number>
  /** Messages without a confirm that arrived. */
  arrivedUnconfirmed: number
  /** The end of each confirmed message: it is in exactly one of these. */
  ends: Record<End, number>
  calls: number
  /** Second calls for one attempt, and second ends of one message, by their cause. */
  copies: Map<string, number>
  /** Lateness of the first call of each first attempt, by the due time in the ledger of the producer. */
  lateness: number[]
}

/** A slow broker redelivers too, and a process does not know the messages that another one handled. */
const ELSEWHERE = 'nothing that was done; by two processes'
/** The headers of a dead message date from its first publish. */
const RESENT_WITHIN_MS = 30_000

type End = 'handled' | 'dead' | 'parked' | 'still waiting' | 'lost'

/** Compares the ledgers of the processes with the content of the queues at the end. */
export function audit(books: Books, stored: readonly Stored[], courseOf: (n: number) => Course): Audit {
  const audited: Audit = {
    findings: [],
    outcomes: { tried: 0, confirmed: 0, refused: 0, unknown: 0 },
    arrivedUnconfirmed: 0,
    ends: { handled: 0, dead: 0, parked: 0, 'still waiting': 0, lost: 0 },
    calls: 0,
    copies: new Map(),
    lateness: [],
  }
  const storedBy = grouped(stored, ({ n }) => n)
  for (const [n, account] of books.accounts) {
    const one = new Message(n, account, {
      course: courseOf(n),
      stored: storedBy.get(n) ?? [],
      troubles: books.troubles,
    })
    one.audit(audited)
  }
  for (const { n, call } of books.strangers) {
    audited.findings.push({ n, fault: 'never scheduled', text: callText(call) })
  }
  for (const { n, queue } of stored) {
    if (!books.accounts.has(n)) audited.findings.push({ n, fault: 'never scheduled', text: `in ${queue}` })
  }
  return audited
}

interface Evidence {
  course: Course
  stored: readonly Stored[]
  troubles: readonly Trouble[]
}

class Message {
  readonly #n: number
  readonly #account: Account
  readonly #evidence: Evidence
  readonly #findings: Finding[] = []
  readonly #causes: string[] = []

  constructor(n: number, account: Account, evidence: Evidence) {
    this.#n = n
    this.#account = account
    this.#evidence = evidence
    account.calls.sort((a, b) => a.startedAt - b.startedAt)
  }

  audit(audited: Audit): void {
    const { calls, outcome, due } = this.#account
    this.#auditTimes()
    this.#auditCalls()
    const end = this.#end()
    this.#auditDead()
    this.#auditEnd(end)
    audited.outcomes[outcome]++
    if (outcome === 'confirmed') audited.ends[end]++
    else if (this.#arrived) audited.arrivedUnconfirmed++
    audited.calls += calls.length
    if (calls[0]) audited.lateness.push(calls[0].startedAt - due)
    for (const cause of this.#causes) audited.copies.set(cause, (audited.copies.get(cause) ?? 0) + 1)
    audited.findings.push(...this.#findings)
  }

  get #arrived(): boolean {
    return this.#account.calls.length + this.#evidence.stored.length > 0
  }

  /** Compared with the due time of the producer, and with the end of the previous attempt, to the millisecond. */
  #auditTimes(): void {
    const { due, calls } = this.#account
    const { course } = this.#evidence
    for (const call of calls) {
      const { attempt, startedAt } = call
      if (call.due !== due) this.#found('wrong attempt', `${callText(call)} was told ${call.due} as due, not ${due}`)
      if (startedAt < due) this.#found('early', `${callText(call)} started ${due - startedAt} ms before it was due`)
      if (attempt === 1) continue
      const ends = calls.flatMap((one) => (one.attempt === attempt - 1 ? [one.endedAt ?? []] : [])).flat()
      if (ends.length === 0) {
        this.#found('wrong attempt', `${callText(call)} came without an end of the one before`)
        continue
      }
      const readyAt = Math.min(...ends) + waitAfterMs(course, attempt - 1)
      if (startedAt < readyAt)
        this.#found('early', `${callText(call)} started ${readyAt - startedAt} ms before its retry was`)
    }
  }

  #auditCalls(): void {
    const { calls } = this.#account
    const { steps } = this.#evidence.course
    for (const call of calls) {
      if (call.attempt > steps.length) this.#found('wrong attempt', `${callText(call)} is one too many`)
    }
    for (const same of grouped(calls, ({ attempt }) => attempt).values()) {
      for (const [i, second] of same.slice(1).entries()) this.#copy(same.slice(0, i + 1), second)
    }
  }

  /** A second call for one attempt. */
  #copy(before: readonly Call[], second: Call): void {
    const { steps } = this.#evidence.course
    const sameProcess = before.find(({ process }) => process === second.process)
    const remembered = sameProcess?.endedAt !== undefined && steps[second.attempt - 1] === 'return'
    // A consumer never runs a handler again after it returned, whatever the broker does.
    const from = sameProcess ? sameProcess.startedAt : this.#account.triedAt
    const found = remembered ? undefined : this.#cause(from, second.startedAt)
    const cause = found ?? (sameProcess ? undefined : ELSEWHERE)
    const text = `${callText(second)} again at ${second.startedAt}; ${this.#story()}`
    this.#explained(cause, text)
  }

  /** A fault of all processes, or of one that had this message. */
  #cause(from: number, to: number): string | undefined {
    const { calls, producer } = this.#account
    const its = new Set([producer, ...calls.map(({ process }) => process)])
    const when = this.#evidence.troubles.filter((trouble) => trouble.from <= to && trouble.to >= from)
    return (
      when.find(({ process }) => process !== undefined && its.has(process)) ?? when.find(({ process }) => !process)
    )?.what
  }

  #explained(cause: string | undefined, text: string): void {
    if (cause === undefined) this.#found('unexplained copy', text)
    else this.#causes.push(cause)
  }

  #end(): End {
    const { course, stored } = this.#evidence
    const last = course.steps.length
    const isHandled = course.steps[last - 1] === 'return'
    if (isHandled && this.#account.calls.some((call) => call.attempt === last && call.endedAt !== undefined)) {
      return 'handled'
    }
    if (stored.some(isDead)) return 'dead'
    if (stored.some(isParked)) return 'parked'
    return stored.length > 0 ? 'still waiting' : 'lost'
  }

  #auditDead(): void {
    const { course, stored } = this.#evidence
    const { due } = this.#account
    const allowed = deadReasonOf(course)
    for (const { reason, deadAt = 0, queue } of stored.filter(isDead)) {
      if (reason !== allowed) {
        const expected = allowed ?? 'no death'
        this.#found('wrong end', `in ${queue}: ${reason ?? 'moved by the broker'}, expected ${expected}`)
      } else if (reason === 'expired' && deadAt < due + course.expiresInMs!) {
        this.#found('early', `expired ${due + course.expiresInMs! - deadAt} ms before its time`)
      }
    }
  }

  #auditEnd(end: End): void {
    const { outcome, triedAt } = this.#account
    const { stored } = this.#evidence
    if (outcome === 'refused' && this.#arrived) {
      this.#found('refused, but arrived', this.#story())
    }
    // A message that arrived must be kept as if its schedule had been confirmed.
    const isKept = outcome === 'confirmed' || this.#arrived
    if (isKept && (end === 'lost' || end === 'still waiting')) this.#found(end, this.#story())
    // Copies besides its end, and second copies of its end.
    const inOrder = stored.toSorted((a, b) => (a.deadAt ?? 0) - (b.deadAt ?? 0))
    for (const { queue, deadAt } of end === 'handled' ? inOrder : inOrder.slice(1)) {
      const cause = this.#causeForAnybody(triedAt, deadAt === undefined ? Infinity : deadAt + RESENT_WITHIN_MS)
      this.#explained(cause ?? this.#causes[0], `another one in ${queue}; ${this.#story()}`)
    }
  }

  /** A dead-lettered message carries no trace of the process that moved it. */
  #causeForAnybody(from: number, to: number): string | undefined {
    const { producer } = this.#account
    const isProducer = (process: string) => process.startsWith('producer')
    return this.#evidence.troubles.find(
      ({ process, ...trouble }) =>
        trouble.from <= to &&
        trouble.to >= from &&
        (process === undefined || process === producer || !isProducer(process)),
    )?.what
  }

  #story(): string {
    const { outcome, producer, triedAt, due, calls } = this.#account
    const { course, stored } = this.#evidence
    return [
      `${outcome} by ${producer}, tried at ${triedAt}, due ${due}, to ${course.to.queue ?? course.to.exchange}, ` +
        course.steps.join(' '),
      ...calls.map((call) => `${callText(call)} ${call.startedAt} to ${call.endedAt ?? 'no end'}`),
      ...stored.map(({ queue, reason }) => `in ${queue} ${reason ?? ''}`),
    ].join('; ')
  }

  #found(fault: Fault, text: string): void {
    this.#findings.push({ n: this.#n, fault, text })
  }
}

export function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

function callText({ attempt, process }: Call): string {
  return `attempt ${attempt} in ${process}`
}

function isDead({ queue }: Stored): boolean {
  return queue.endsWith('.dead')
}

function isParked({ queue }: Stored): boolean {
  return queue.endsWith('.parked')
}
