/** A series as a scrape reads it. */
export interface ScrapedSeries {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ScrapedMetric {
  readonly type: string
  readonly help: string
  readonly series: readonly ScrapedSeries[]
}

const HELP = /^# HELP ([a-z_:][a-z0-9_:]*) (\S.*)$/i
const TYPE = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram)$/i
const SERIES = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf)$/i
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-z_])|$)/giy
const SUFFIXES = ['', '_bucket', '_sum', '_count']

/**
 * Reads the text format of Prometheus, and throws on anything that is not exactly as it says: a metric has help, type and
 * then its series, no series comes twice, and the text ends with a line end.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function parseExposition(text: string): Map<string, ScrapedMetric> {
  if (!text.endsWith('\n')) throw new Error('no line end at the end')
  const metrics = new Map<string, ScrapedMetric & { series: ScrapedSeries[] }>()
  const seen = new Set<string>()
  const lines = text
    .slice(0, -1)
    .split('\n')
    .filter((line) => line !== '')
  let current = ''
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const [, name, help] = HELP.exec(line) ?? []
    if (name !== undefined) {
      const [, typed, type] = TYPE.exec(lines[++i] ?? '') ?? []
      if (typed !== name || metrics.has(name)) throw new Error(`not one type, or a second time: ${line}`)
      metrics.set((current = name), { type: type!, help: help!, series: [] })
      continue
    }
    const [, series, labels = '', value] = SERIES.exec(line) ?? []
    if (series === undefined || !SUFFIXES.some((suffix) => current + suffix === series))
      throw new Error(`no series: ${line}`)
    const key = line.slice(0, line.lastIndexOf(' '))
    if (seen.has(key)) throw new Error(`a second time: ${line}`)
    seen.add(key)
    metrics
      .get(current)!
      .series.push({ name: series, labels: labelsOf(labels), value: Number(value!.replace('+Inf', 'Infinity')) })
  }
  return metrics
}

function labelsOf(text: string): Record<string, string> {
  const found = [...text.matchAll(LABEL)]
  if (found.map(([whole]) => whole).join('') !== text) throw new Error(`no labels: ${text}`)
  const pairs = found.map(([, name, value]) => [
    name!,
    value!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)),
  ])
  return Object.fromEntries(pairs) as Record<string, string>
}

/** The value of one series; undefined if it is missing. */
export function valueIn(
  metrics: Map<string, ScrapedMetric>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''))
  const wanted = JSON.stringify(Object.entries(labels).sort())
  return metric?.series.find((one) => one.name === name && JSON.stringify(Object.entries(one.labels).sort()) === wanted)
    ?.value
}
