/** One value of a metric, by its name and labels. */
export interface MetricValue {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:\\.|[^"\\])*")*)\})?[ \t]+(\S+)/
const LABEL = /([A-Za-z_]\w*)[ \t]*=[ \t]*"((?:\\.|[^"\\])*)"/g
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }

/**
 * The values of a text in the format of Prometheus, without those of which `wanted` is false. Lines that are no values are left
 * out: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function readMetrics(text: string, wanted: (name: string) => boolean): MetricValue[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value = ''] = LINE.exec(line) ?? []
    if (name === undefined || !wanted(name)) return []
    return [{ name, labels: labelsOf(labels), value: numberOf(value) }]
  })
}

/** Numbers of Prometheus have their infinities as `+Inf` and `-Inf`. */
export function numberOf(text: string): number {
  return Number(text.replace(/^([+-]?)Inf$/i, '$1Infinity'))
}

function labelsOf(text: string): Record<string, string> {
  const labels = [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [
    name,
    value.replace(/\\[\\"n]/g, (escape) => ESCAPES[escape]!),
  ])
  return Object.fromEntries(labels) as Record<string, string>
}
