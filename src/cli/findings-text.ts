import { counted } from '../base/counted.js'
import { worst, type Severity } from '../base/finding.js'
import type { AreaFinding } from '../operate/doctor/checks.js'
import { STYLE_OF, type StyledLine } from './styled.js'
import { plain } from './terminal.js'

const MARK: Record<Severity, string> = { ok: 'ok', note: 'note', warning: 'warning', error: 'ERROR' }
const WIDTH = Math.max(...Object.values(MARK).map((mark) => mark.length))

/** Findings for people, by area; what to do about each stands below it. */
export function findingsLines(findings: readonly AreaFinding[]): StyledLine[] {
  const areas = [...new Set(findings.map(({ area }) => area))]
  const lines = areas.flatMap((area) => [
    { text: area, style: 'bold' as const },
    ...findings.filter((one) => one.area === area).flatMap(linesOf),
    { text: '' },
  ])
  return [...lines, { text: summary(findings), style: STYLE_OF[worst(findings)] }]
}

function linesOf({ severity, what, todo }: AreaFinding): StyledLine[] {
  const indent = ' '.repeat(WIDTH + 4)
  return [
    { text: `  ${MARK[severity].padEnd(WIDTH)}  ${plain(what)}`, style: STYLE_OF[severity] },
    ...(todo === '' ? [] : [{ text: `${indent}→ ${plain(todo)}` }]),
  ]
}

function summary(findings: readonly AreaFinding[]): string {
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length
  const [errors, warnings] = [count('error'), count('warning')]
  if (['ok', 'note'].includes(worst(findings))) return 'No errors, no warnings.'
  return `${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`
}
