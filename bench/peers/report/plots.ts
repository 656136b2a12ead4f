import { svgOf, svgOfSpec, type Bar } from '../../strategies/plots.js'
import type { Results } from '../results.js'
import { summaryOf } from './summary.js'

/** SVG plots by name, of the works that were measured. */
export async function plotsOf(results: Results): Promise<Record<string, string>> {
  const bars = (work: string, variant: string, measures: readonly string[]): Bar[] => {
    const rows = summaryOf(results, work).variants.get(variant) ?? []
    return rows.flatMap(({ contestant: name, figures }) =>
      measures.flatMap((part) => {
        const value = figures[part]?.median ?? NaN
        return Number.isNaN(value) ? [] : [{ name, value, ...(measures.length > 1 && { part }) }]
      }),
    )
  }
  const [middle] = [...summaryOf(results, 'steady').variants.keys()].slice(1)
  const [most] = [...summaryOf(results, 'waiting').variants.keys()].filter((name) => name !== 'restart').slice(-1)
  const plots = {
    rate: {
      title: 'Confirmed schedules, bulk',
      axis: 'a second',
      bars: bars('rate', '', ['bulk /s', 'bulk, random /s']),
    },
    lateness: {
      title: `Late at ${middle}, random delays`,
      axis: 'ms (logarithmic)',
      log: true,
      bars: bars('steady', middle ?? '', ['p50', 'p99']),
    },
    burst: { title: 'Due at one instant', axis: 'handled a second', bars: bars('burst', '', ['handled /s']) },
    ceiling: { title: 'Highest rate with one fixed delay', axis: 'a second', bars: bars('ceiling', '', ['kept /s']) },
    waiting: {
      title: `A message more, ${most} waiting`,
      axis: 'bytes that the store counts',
      bars: bars('waiting', most ?? '', ['counted B']),
    },
  }
  const drawn = Object.entries(plots).filter(([, plot]) => plot.bars.length > 0)
  const images = await Promise.all(drawn.map(async ([name, plot]) => [name, await svgOf(plot)] as const))
  const curve = growthOf(results)
  return { ...Object.fromEntries(images), ...(curve.length > 0 && { growth: await curveOf(curve) }) }
}

interface Point {
  contestant: string
  waiting: number
  rate: number
}

function growthOf(results: Results): Point[] {
  return [...summaryOf(results, 'waiting').variants].flatMap(([variant, rows]) =>
    rows.flatMap(({ contestant, figures }) => {
      const rate = figures['bulk /s']?.median
      return rate === undefined ? [] : [{ contestant, waiting: Number(variant), rate }]
    }),
  )
}

/** Lines. https://vega.github.io/vega-lite/docs/line.html */
function curveOf(values: Point[]): Promise<string> {
  return svgOfSpec({
    title: { text: 'Bulk schedules a second beside waiting messages', anchor: 'start' },
    width: 480,
    height: 240,
    background: 'white',
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'waiting', type: 'quantitative', scale: { type: 'log' }, title: 'waiting' },
      y: { field: 'rate', type: 'quantitative', title: 'a second' },
      color: { field: 'contestant', type: 'nominal', sort: null, title: null, scale: { scheme: 'tableau20' } },
    },
  })
}
