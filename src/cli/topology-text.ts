import type { Part } from '../amqp/topology/part.js'
import type { Gap } from '../operate/topology/judge-part.js'

export function partText(part: Part): string {
  if (part.kind === 'binding') return `binding   ${part.from} → ${part.name}  ${part.key}`
  const details = Object.entries(part.arguments).map(([name, value]) => `${name}=${String(value)}`)
  return [part.kind.padEnd(9), part.name, part.kind === 'exchange' ? part.type : '', ...details].join(' ').trimEnd()
}

export function gapText(gap: Gap): string {
  if (gap.kind === 'binding')
    return `missing binding of ${gap.to} ${gap.name} to exchange ${gap.from}, key "${gap.key}"`
  const details = gap.change === 'differs' ? `: ${gap.differences.join('; ')}` : ''
  return `${gap.change} ${gap.kind} ${gap.name}${details}`
}

/** @param namesOnly whether arguments and bindings were not looked at */
export function verdictText(gaps: readonly Gap[], namesOnly: boolean): string {
  if (gaps.length === 0) return namesOnly ? 'every name is there' : 'complete'
  const differing = gaps.filter(({ change }) => change === 'differs').length
  const absent = gaps.length - differing
  return [
    ...(absent > 0 ? [`${absent} missing: dueque topology apply with the same options declares them`] : []),
    ...(differing > 0 ? [`${differing} differ: delete each one when it is empty, and apply`] : []),
  ].join('; ')
}
