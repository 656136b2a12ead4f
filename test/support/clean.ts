import { expect } from 'vitest'
import type { Outcome } from '../../scripts/checker/history.js'
import { tell } from '../../scripts/checker/tell.js'
import type { Verdict } from '../../scripts/checker/verdict.js'
import { isDuequeError } from '../../src/index.js'

/** Fails with the story of each message that something is wrong with. */
export function expectClean(verdict: Verdict): void {
  expect(verdict.findings.length, tell(verdict).join('\n')).toBe(0)
}

/** How a schedule ended that has failed with this error. */
export function outcomeOf(error: unknown): Outcome {
  return (isDuequeError(error) && error.outcome) || 'unknown'
}
