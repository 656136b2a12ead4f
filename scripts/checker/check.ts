import { HANDLED_ONCE, type Expectation } from './expectation.js'
import type { History } from './history.js'
import { MessageCheck } from './message-check.js'
import { emptyVerdict, type Fault, type Verdict } from './verdict.js'

export interface Rules {
  /**
   * A process does not know the messages that another one handled, and a slow broker sends a message again. From so long on,
   * a copy in another process needs no further cause. @default 0
   */
  resentAfterMs?: number
  /** A fault explains a copy if it is at most so long before the first call, or between the two. @default Infinity */
  causeWithinMs?: number
  /** The margin of cancellations. @default 1000 */
  marginMs?: number
}

/** Compares what all processes wrote down with what is kept at the end. It passes if there are no findings. */
export function check(
  history: History,
  expectationOf: (key: string) => Expectation = () => HANDLED_ONCE,
  { resentAfterMs = 0, causeWithinMs = Infinity, marginMs = 1000 }: Rules = {},
): Verdict {
  const verdict = emptyVerdict()
  for (const [key, message] of history.messages) {
    const rules = { resentAfterMs, causeWithinMs, marginMs }
    const evidence = { expected: expectationOf(key), troubles: history.troubles, ...rules }
    new MessageCheck(message, evidence).addTo(verdict)
  }
  for (const { key, text } of history.strangers) {
    verdict.findings.push({ key, fault: 'unexpected', text: `never scheduled: ${text}` })
  }
  const messagesWith = (...faults: Fault[]) =>
    new Set(verdict.findings.flatMap(({ key, fault }) => (faults.includes(fault) ? [key] : []))).size
  verdict.lost = messagesWith('lost', 'still waiting')
  verdict.unexpected = messagesWith('unexpected')
  verdict.early = messagesWith('early')
  verdict.cancelled = messagesWith('handled though cancelled')
  return verdict
}
