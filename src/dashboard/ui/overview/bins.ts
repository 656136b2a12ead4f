import type { Timeline } from '../../api.js'

/** A bar of the timeline: the messages that are due from `from` on, before `to`. Milliseconds since the epoch. */
export interface Bin {
  from: number
  to: number
  count: number
}

const UNIT_MS: Readonly<Record<Timeline['unit'], number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** Every unit of the time shown, those without messages too. Units are those of UTC, as the server counts. */
export function binsOf({ unit, from, to, counts }: Timeline): Bin[] {
  const stepMs = UNIT_MS[unit]
  const known = new Map(counts.map((one) => [Date.parse(one.from), one.count]))
  const bins: Bin[] = []
  const end = Date.parse(to)
  for (let at = Math.floor(Date.parse(from) / stepMs) * stepMs; at < end; at += stepMs) {
    bins.push({ from: at, to: at + stepMs, count: known.get(at) ?? 0 })
  }
  return bins
}

/** The index of the bar of an instant, which changes with time. 0 if the instant has no bar any more. */
export function placeOfBar(bins: readonly Bin[], from: number | undefined): number {
  const place = bins.findIndex((bin) => bin.from === from)
  return Math.max(place, 0)
}

/** Bars between two labels, counted from a round time of the viewer. */
const LABEL_EVERY: Readonly<Record<Timeline['unit'], number>> = { minute: 10, hour: 4, day: 1 }

/** Whether a bar gets a label below it. */
export function isLabelled({ from }: Bin, unit: Timeline['unit']): boolean {
  const date = new Date(from)
  const place = { minute: date.getMinutes(), hour: date.getHours(), day: 0 }[unit]
  return place % LABEL_EVERY[unit] === 0
}
