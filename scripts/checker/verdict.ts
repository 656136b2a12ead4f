/** Findings that are errors. */
export type Fault =
  | 'lost'
  | 'still waiting'
  | 'early'
  | 'handled though cancelled'
  | 'unexplained copy'
  | 'unexpected'
  | 'wrong end'
  | 'wrong attempt'
  | 'wrong list'

export interface Finding {
  key: string
  fault: Fault
  /** With the story of the message. */
  text: string
}

/** What became of a message. */
export type End = 'handled' | 'dead' | 'parked' | 'waiting' | 'cancelled' | 'lost'

/** Counts of messages in the terms of Jepsen's total queue, and the findings. */
export interface Verdict {
  /** Somebody tried to schedule them. */
  attempted: number
  /** Their schedule was confirmed. */
  acknowledged: number
  /** They reached their end: handled, dead or parked as expected, cancelled, or waiting if they are not due. */
  ok: number
  /** Acknowledged, or arrived once, and they did not reach their end. */
  lost: number
  /** Handled or kept more than once. Each copy is in `copies`, or in `findings` as unexplained. */
  duplicated: number
  /** Never acknowledged, and they arrived: the outcome of their schedule was unknown. */
  recovered: number
  /** Never scheduled, or refused, and they arrived. */
  unexpected: number
  /** Handled before they were due, or before their retry was. */
  early: number
  /** Handled although their cancellation was answered with `cancelled`. */
  cancelled: number
  findings: Finding[]
  /** The same faults where a documented limit was exceeded, by limit and fault. */
  apart: Map<string, number>
  /** Of the messages that were acknowledged. */
  ends: Record<End, number>
  /** Calls of handlers. */
  calls: number
  /** Explained copies, by their cause. */
  copies: Map<string, number>
  /** Lateness of the first call of each copy, by the due time of the producer. */
  lateness: number[]
}

export function emptyVerdict(): Verdict {
  return {
    attempted: 0,
    acknowledged: 0,
    ok: 0,
    lost: 0,
    duplicated: 0,
    recovered: 0,
    unexpected: 0,
    early: 0,
    cancelled: 0,
    findings: [],
    apart: new Map(),
    ends: { handled: 0, dead: 0, parked: 0, waiting: 0, cancelled: 0, lost: 0 },
    calls: 0,
    copies: new Map(),
    lateness: [],
  }
}
