import { copyCause, isOf, keptCause, type Evidence } from './copy-causes.js'
import { grouped } from './grouped.js'
import type { Call, Cancellation, Copy, Kept, Message } from './history.js'
import { callText, storyOf } from './story.js'
import type { End, Fault, Finding, Verdict } from './verdict.js'

/** The headers of a dead message date from its first publish. */
const RESENT_WITHIN_MS = 30_000

/** The check of one message. */
export class MessageCheck {
  readonly #message: Message
  readonly #evidence: Evidence
  readonly #findings: Finding[] = []
  readonly #apart: string[] = []
  readonly #causes: string[] = []

  constructor(message: Message, evidence: Evidence) {
    this.#message = message
    this.#evidence = evidence
    for (const { calls } of message.copies) calls.sort((a, b) => a.startedAt - b.startedAt)
  }

  addTo(verdict: Verdict): void {
    const { copies } = this.#message
    for (const copy of copies) {
      this.#checkTimes(copy)
      this.#checkCancelled(copy)
      this.#checkCalls(copy)
      this.#checkDead(copy)
      this.#checkKept(copy)
      this.#checkListed(copy)
    }
    const end = this.#checkEnd()
    const isAcknowledged = copies.some(({ outcome }) => outcome === 'confirmed')
    verdict.attempted++
    if (isAcknowledged) verdict.acknowledged++
    if (isAcknowledged && end) verdict.ends[end]++
    if (end && end !== 'lost') verdict.ok++
    if (!isAcknowledged && copies.some((copy) => this.#hasArrived(copy))) verdict.recovered++
    const isDuplicated = this.#causes.length > 0 || this.#findings.some(({ fault }) => fault === 'unexplained copy')
    if (isDuplicated) verdict.duplicated++
    this.#addDetails(verdict)
  }

  #addDetails(verdict: Verdict): void {
    for (const { calls, due } of this.#message.copies) {
      verdict.calls += calls.length
      if (calls[0]) verdict.lateness.push(calls[0].startedAt - due)
    }
    for (const cause of this.#causes) add(verdict.copies, cause)
    for (const limit of this.#apart) add(verdict.apart, limit)
    verdict.findings.push(...this.#findings)
  }

  /** Compared with the due time of the producer, and with the end of the previous attempt, to the millisecond. */
  #checkTimes({ k, due, told = due, triedAt, calls }: Copy): void {
    const { expected } = this.#evidence
    const early = (call: Call, byMs: number, what: string) =>
      this.#found('early', `${callText(k, call)} started ${byMs} ms before ${what}`, triedAt, call.startedAt)
    for (const call of calls) {
      const { attempt, startedAt } = call
      if (call.due !== undefined && call.due !== told) {
        this.#found('wrong attempt', `${callText(k, call)} was told ${call.due} as due, not ${told}`)
      }
      if (startedAt < due) early(call, due - startedAt, 'it was due')
      if (attempt === 1) continue
      const ends = endsOf(calls, attempt - 1)
      if (ends.length === 0) {
        if (this.#isMovedRetry(k, attempt)) continue
        this.#found('wrong attempt', `${callText(k, call)} came without an end of the one before`)
        continue
      }
      const readyAt = Math.min(...ends) + (expected.waitAfterMs?.(attempt - 1) ?? 0)
      if (startedAt < readyAt) early(call, readyAt - startedAt, 'its retry was')
    }
  }

  /** A store lets a message that is rescheduled while it waits for a retry keep its attempts. */
  #isMovedRetry(k: number, attempt: number): boolean {
    return this.#message.copies.some((copy) => copy.k < k && endsOf(copy.calls, attempt - 1).length > 0)
  }

  /** Nor before the answer: a log of cancellations answers with `too-late` then. */
  #checkCancelled({ k, due, calls }: Copy): void {
    const { cancelsRetries } = this.#evidence.expected
    const inForce = this.#message.cancellations.find((one) => one.below > k && this.#isInForce(one, due))
    const call = inForce && calls.find(({ startedAt }) => !cancelsRetries || startedAt > inForce.answeredAt!)
    if (!inForce || !call) return
    const text = `${callText(k, call)} started although it was cancelled`
    const [from, to] = [inForce.askedAt, call.startedAt].toSorted((a, b) => a - b)
    this.#found('handled though cancelled', text, from, to)
  }

  /** By a log of cancellations, one without a due time does the same if it comes in time. */
  #isInForce({ answer, answeredAt }: Cancellation, due: number): boolean {
    return answer === 'cancelled' || (answer === 'unknown' && answeredAt! + this.#evidence.marginMs <= due)
  }

  #checkCalls({ k, triedAt, calls }: Copy): void {
    const { steps } = this.#evidence.expected
    for (const call of calls) {
      if (call.attempt > steps.length) this.#found('wrong attempt', `${callText(k, call)} is one too many`)
    }
    for (const same of grouped(calls, ({ attempt }) => attempt).values()) {
      for (const [i, second] of same.slice(1).entries()) {
        const text = `${callText(k, second)} again at ${second.startedAt}`
        this.#explained(copyCause(same.slice(0, i + 1), second, triedAt, this.#message, this.#evidence), text)
      }
    }
  }

  #checkDead(copy: Copy): void {
    const { expiresInMs, deadReason } = this.#evidence.expected
    for (const { reason, deadAt = 0, place } of this.#keptOf(copy, 'dead')) {
      if (reason !== deadReason) {
        const text = `in ${place}: ${reason ?? 'moved by the broker'}, expected ${deadReason ?? 'no death'}`
        this.#found('wrong end', text)
      } else if (reason === 'expired' && deadAt < copy.due + expiresInMs!) {
        const text = `expired ${copy.due + expiresInMs! - deadAt} ms before its time`
        this.#found('early', text, copy.triedAt, deadAt)
      }
    }
  }

  /** What is kept besides its end, and more than once. */
  #checkKept(copy: Copy): void {
    const { outcome, triedAt } = copy
    const kept = this.#keptOf(copy, 'dead', 'parked', 'waiting')
    if (outcome === 'refused' && this.#hasArrived(copy)) this.#found('unexpected', 'refused, but arrived')
    const inOrder = kept.toSorted((a, b) => (a.deadAt ?? 0) - (b.deadAt ?? 0))
    for (const { place, deadAt } of this.#endOf(copy) === 'handled' ? inOrder : inOrder.slice(1)) {
      const until = deadAt === undefined ? Infinity : deadAt + RESENT_WITHIN_MS
      const cause = keptCause(this.#evidence, triedAt, until, copy.process) ?? this.#causes[0]
      this.#explained(cause, `another one in ${place}`)
    }
  }

  #checkListed(copy: Copy): void {
    if (!this.#evidence.expected.isListed) return
    const count = this.#keptOf(copy, 'listed').length
    const { k, outcome } = copy
    const covering = this.#covering(copy)
    const isCancelled = covering.some(({ answer }) => answer !== undefined)
    const mayBe = !isCancelled && outcome !== 'refused'
    const mustBe = outcome === 'confirmed' && covering.length === 0
    if (count > 1 || (count === 1 && !mayBe)) this.#found('wrong list', `copy ${k} is listed ${count} times`)
    if (count === 0 && mustBe) this.#found('wrong list', `copy ${k} is not listed`)
  }

  /** A message that arrived must be kept as if its schedule had been confirmed. */
  #checkEnd(): End | undefined {
    const { copies, cancellations } = this.#message
    const kept = copies.filter((copy) => copy.outcome === 'confirmed' || this.#hasArrived(copy))
    if (kept.length === 0) return undefined
    const isCancelled = cancellations.some((one) => one.below === Infinity && mayHaveEffect(one))
    const ended = copies.toReversed().find((copy) => this.#endOf(copy) !== undefined)
    const unended = kept.filter((copy) => this.#endOf(copy) === undefined)
    // Of a reschedule whose outcome is unknown, one of the copies is left.
    const missing = unended.some((copy) => this.#covering(copy).length === 0) || (!ended && !isCancelled)
    if (!missing) return ended ? this.#endOf(ended) : 'cancelled'
    const isWaiting = unended.some((copy) => this.#keptOf(copy, 'waiting').length > 0)
    this.#found(isWaiting ? 'still waiting' : 'lost', isWaiting ? 'it was due' : 'nobody has it')
    return 'lost'
  }

  #endOf(copy: Copy): Exclude<End, 'lost' | 'cancelled'> | undefined {
    const { steps, stays } = this.#evidence.expected
    const last = steps.length
    const isEnded = ({ attempt, endedAt }: Call) => attempt === last && endedAt !== undefined
    if (steps[last - 1] === 'return' && copy.calls.some(isEnded)) return 'handled'
    for (const end of ['dead', 'parked'] as const) if (this.#keptOf(copy, end).length > 0) return end
    return stays && this.#keptOf(copy, 'waiting').length > 0 ? 'waiting' : undefined
  }

  /** The cancellations that concern a copy and may have an effect. */
  #covering({ k }: Copy): Cancellation[] {
    return this.#message.cancellations.filter((one) => one.below > k && mayHaveEffect(one))
  }

  #keptOf({ k }: Copy, ...ends: Kept['is'][]): Kept[] {
    return this.#message.kept.filter((one) => one.k === k && ends.includes(one.is))
  }

  #hasArrived(copy: Copy): boolean {
    return copy.calls.length + this.#keptOf(copy, 'dead', 'parked', 'waiting').length > 0
  }

  #explained(cause: string | undefined, text: string): void {
    if (cause === undefined) this.#found('unexplained copy', text)
    else this.#causes.push(cause)
  }

  /** A fault, unless a documented limit was exceeded between two instants, if they are given. */
  #found(fault: Fault, text: string, from?: number, to?: number): void {
    const limit = from !== undefined && this.#exceeded(fault, from, to!)
    if (limit) this.#apart.push(`${fault}: ${limit}`)
    else this.#findings.push({ key: this.#message.key, fault, text: `${text}; ${this.#story()}` })
  }

  #exceeded(fault: Fault, from: number, to: number): string | undefined {
    const { troubles, expected } = this.#evidence
    return troubles.find(
      ({ exceeds, process, ...trouble }) =>
        (exceeds === 'clock' || (exceeds === 'partition' && fault === 'handled though cancelled')) &&
        (process === undefined || isOf(process, this.#message, expected)) &&
        trouble.from <= to &&
        trouble.to >= from,
    )?.exceeds
  }

  #story(): string {
    return storyOf(this.#message, this.#evidence.expected)
  }
}

function endsOf(calls: readonly Call[], attempt: number): number[] {
  return calls.flatMap((one) => (one.attempt === attempt && one.endedAt !== undefined ? [one.endedAt] : []))
}

function mayHaveEffect({ answer }: Cancellation): boolean {
  return answer !== 'not-waiting' && answer !== 'refused'
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
