import { markdownTable } from '../../markdown-page.js'
import { shown } from '../../report.js'
import type { Results } from '../results.js'
import type { Work } from '../works/work.js'
import { summaryOf, type Figure, type SummaryRow } from './summary.js'

/** A section of a work: what was done, a table for each variant, and the reasons of those who are absent. */
export function sectionOf(work: Work, results: Results): string | undefined {
  const { variants, absent, rounds } = summaryOf(results, work.name)
  if (variants.size === 0) return undefined
  const tables = [...variants].map(([variant, rows]) =>
    [variant && `**${numbered(variant)}**`, tableOf(rows)].join('\n\n'),
  )
  const median = rounds === 1 ? 'One round.' : `Median of ${rounds} rounds (the least and the most).`
  const left = absent.map(({ contestant, reason }) => `- \`${contestant}\` is left out: ${reason}`)
  return [`### ${work.title}`, `${work.about} ${median}`, ...tables, left.join('\n')].filter(Boolean).join('\n\n')
}

function tableOf(rows: readonly SummaryRow[]): string {
  const names = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))]
  const cells = rows.map(({ contestant, figures }) => [
    `\`${contestant}\``,
    ...names.map((name) => text(figures[name])),
  ])
  return markdownTable(['', ...names], cells)
}

function text(figure: Figure | undefined): string {
  if (!figure || Number.isNaN(figure.median)) return '–'
  const { median, least, most } = figure
  return least === most ? short(median) : `${short(median)} (${short(least)}–${short(most)})`
}

function short(value: number): string {
  return shown(Math.abs(value) >= 10 ? Math.round(value) : Number(value.toFixed(1)))
}

/** `100000` as `100,000`, other names as they are. */
function numbered(variant: string): string {
  return variant.replace(/^\d+/, (digits) => Number(digits).toLocaleString('en'))
}

/** Versions and settings of everything that took part. */
export function settingsOf({ environment, contestants }: Pick<Results, 'environment' | 'contestants'>): string {
  const servers = [...new Set(Object.values(contestants).flatMap((one) => one.servers))]
  const rows = Object.entries(contestants).map(([name, { about, settings, servers: own }]) => [
    `\`${name}\``,
    about,
    own.map((how) => servers.indexOf(how) + 1).join(', '),
    Object.entries(settings)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', '),
  ])
  const { date, cpus, cpuModel, node, load } = environment
  return [
    `Measured on ${date.slice(0, 10)}: ${cpus} CPUs (${cpuModel}), Node ${node}, load ${load.toFixed(1)} at the start. Servers:`,
    servers.map((how, i) => `${i + 1}. ${how}`).join('\n'),
    markdownTable(['contestant', 'what it is', 'servers', 'versions and settings'], rows),
  ].join('\n\n')
}
