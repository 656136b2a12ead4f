import { counted } from '../base/counted.js'
import type { Part } from '../amqp/topology/part.js'
import type { Gap } from '../operate/topology/judge-part.js'

export function partText(part: Part): string {
  if (part.kind === 'binding') return `binding   ${part.from} → ${part.name}  ${part.key}`
  const details = Object.entries(part.arguments).map(([name, value]) => `${name}=${String(value)}`)
  return [part.kind.padEnd(9), part.name, part.kind === 'exchange' ? part.type : '', ...details].join(' ').trimEnd()
}

/** Whether something has to be done about it. */
export function isFault(gap: Gap): boolean {
  return gap.change === 'differs' || gap.kind === 'binding' || !gap.lazy
}

/** So many gaps of one kind are shown. */
const MOST_LINES = 5

/** A line for each gap; of many alike, for the first ones, and one for the others. */
export function gapLines(gaps: readonly Gap[]): string[] {
  const groups = new Map<string, Gap[]>()
  for (const gap of gaps.filter(isFault)) {
    const group = `${gap.change} ${gap.kind}`
    groups.set(group, [...(groups.get(group) ?? []), gap])
  }
  const lazy = gaps.filter((gap) => !isFault(gap)).length
  return [
    ...[...groups.values()].flatMap(linesOf),
    ...(lazy > 0 ? [`${counted(lazy, 'rung is', 'rungs are')} missing: declared when first needed`] : []),
  ]
}

function linesOf(gaps: readonly Gap[]): string[] {
  const more = gaps.length - MOST_LINES
  // A line that says "and 1 more" would save none.
  if (more <= 1) return gaps.map(gapText)
  const { change, kind } = gaps[0]!
  return [
    ...gaps.slice(0, MOST_LINES).map(gapText),
    `and ${more} more ${kind}s ${change === 'missing' ? 'are missing' : 'differ'} (--json names all)`,
  ]
}

function gapText(gap: Gap): string {
  if (gap.kind === 'binding')
    return `missing binding of ${gap.to} ${gap.name} to exchange ${gap.from}, key "${gap.key}"`
  const details = gap.change === 'differs' ? `: ${gap.differences.join('; ')}` : ''
  return `${gap.change} ${gap.kind} ${gap.name}${details}`
}

/** @param namesOnly whether arguments and bindings were not looked at */
export function verdictText(gaps: readonly Gap[], namesOnly: boolean): string {
  const faults = gaps.filter(isFault)
  if (faults.length === 0) {
    if (gaps.length > 0) return namesOnly ? 'every other name is there' : 'everything else is there'
    return namesOnly ? 'every name is there' : 'complete'
  }
  const differing = faults.filter(({ change }) => change === 'differs').length
  const absent = faults.length - differing
  return [
    ...(absent > 0 ? [`${absent} missing: dueque topology apply with the same options declares them`] : []),
    ...(differing > 0
      ? [`${counted(differing, 'differs', 'differ')}: delete each one when it is empty, and apply`]
      : []),
  ].join('; ')
}
