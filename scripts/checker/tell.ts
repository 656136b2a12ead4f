import { grouped } from './grouped.js'
import type { Verdict } from './verdict.js'

/** Shown findings of each kind. */
const SHOWN = 10

/** The counts of a verdict, in the terms of Jepsen's total queue, and its findings with the story of each message. */
export function tell(verdict: Verdict): string[] {
  const { attempted, acknowledged, ok, lost, duplicated, recovered, unexpected, early, cancelled } = verdict
  const { ends, findings } = verdict
  const copied = [...verdict.copies].toSorted(([, a], [, b]) => b - a)
  const unexplained = findings.filter(({ fault }) => fault === 'unexplained copy').length
  return [
    `attempted ${attempted}, acknowledged ${acknowledged}, ok ${ok}, lost ${lost}, duplicated ${duplicated}, ` +
      `recovered ${recovered}, unexpected ${unexpected}, early ${early}, handled though cancelled ${cancelled}`,
    `acknowledged ones: ${Object.entries(ends)
      .map(([end, count]) => `${end} ${count}`)
      .join(', ')}; calls of handlers: ${verdict.calls}`,
    `copies: ${copied.reduce((sum, [, count]) => sum + count, 0)} explained, ${unexplained} unexplained`,
    ...copied.map(([cause, count]) => `  ${count} after: ${cause}`),
    ...[...verdict.apart].map(([limit, count]) => `beyond a documented limit: ${limit}: ${count}`),
    ...[...grouped(findings, ({ fault }) => fault)].flatMap(([fault, all]) => [
      `FAILED ${fault}: ${all.length}`,
      ...all.slice(0, SHOWN).map(({ key, text }) => `  message ${key}: ${text}`),
    ]),
  ]
}
