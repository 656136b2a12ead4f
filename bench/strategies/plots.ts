import { View, parse } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

export interface Bar {
  name: string
  /** The series, if a name has several bars. */
  part?: string
  value: number
}

export interface Plot {
  title: string
  /** The label of the values. */
  axis: string
  bars: readonly Bar[]
  /** A logarithmic axis, for values of different orders of magnitude. Values below 1 are not visible. */
  log?: boolean
}

/** Horizontal bars, as SVG. https://vega.github.io/vega-lite/docs/bar.html */
export function svgOf({ title, axis, bars, log = false }: Plot): Promise<string> {
  const hasParts = bars.some(({ part }) => part !== undefined)
  const scale = log ? { type: 'log' as const, domainMin: 1, clamp: true } : { zero: true }
  const values = bars.map((bar) => ({
    ...bar,
    value: log ? Math.max(bar.value, 1) : bar.value,
    text: shown(bar.value),
  }))
  const position = {
    y: { field: 'name', type: 'nominal' as const, sort: null, title: null, axis: { labelFont: 'monospace' } },
    x: { field: 'value', type: 'quantitative' as const, scale, title: axis },
    ...(hasParts && { yOffset: { field: 'part', sort: null } }),
  }
  const spec: TopLevelSpec = {
    title: { text: title, anchor: 'start' },
    width: 480,
    height: { step: hasParts ? 12 : 22 },
    background: 'white',
    data: { values },
    layer: [
      {
        mark: { type: 'bar', ...(log && { x2: { expr: `scale('x', 1)` } }) },
        encoding: {
          ...position,
          ...(hasParts && { color: { field: 'part', sort: null, title: null, type: 'nominal' as const } }),
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 9 },
        encoding: { ...position, text: { field: 'text', type: 'nominal' } },
      },
    ],
  }
  return svgOfSpec(spec)
}

export function svgOfSpec(spec: TopLevelSpec): Promise<string> {
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })
}
