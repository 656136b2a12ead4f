import { zoneOffset } from '../base/zone-offset.js'

/** Between two changes of a zone's clocks. The offset is what they show, less UTC. */
export interface Span {
  /** Milliseconds since the epoch. */
  readonly from: number
  /** The first instant after it. */
  readonly to: number
  readonly offsetMs: number
}

/** The offsets of a time zone. */
export interface Zone {
  /** The span of an instant. A span ends with the year at the latest. */
  spanAt(ms: number): Span
}

/** There are some 600: only zones that are known here have a place. */
const zones = new Map<string, Zone>()

/** Two changes of one zone have been further apart than this since 2001. */
const STEP_MS = 7 * 86_400_000
/** Remembered for a zone. */
const MAX_YEARS = 100

/** Undefined for a zone that is not known here. */
export function zoneOf(name: string): Zone | undefined {
  const key = name.toLowerCase()
  const known = zones.get(key)
  if (known) return known
  const offsetAt = zoneOffset(name)
  if (!offsetAt) return undefined
  const zone = makeZone(offsetAt)
  zones.set(key, zone)
  return zone
}

function makeZone(offsetAt: (ms: number) => number): Zone {
  const years = new Map<number, readonly Span[]>()
  return {
    spanAt(ms) {
      const year = new Date(ms).getUTCFullYear()
      let spans = years.get(year)
      if (!spans) {
        if (years.size >= MAX_YEARS) years.clear()
        spans = spansOf(year, offsetAt)
        years.set(year, spans)
      }
      return spans.find(({ to }) => ms < to)!
    },
  }
}

function spansOf(year: number, offsetAt: (ms: number) => number): Span[] {
  const [start, end] = [Date.UTC(year, 0), Date.UTC(year + 1, 0)]
  const spans: Span[] = []
  let [from, at, offsetMs] = [start, start, offsetAt(start)]
  while (at < end) {
    const next = Math.min(at + STEP_MS, end)
    if (offsetAt(next) === offsetMs) {
      at = next
      continue
    }
    at = changeBetween(at, next, offsetAt)
    spans.push({ from, to: at, offsetMs })
    ;[from, offsetMs] = [at, offsetAt(at)]
  }
  if (from < end) spans.push({ from, to: end, offsetMs })
  return spans
}

/** The first second with another offset than that of `before`. There is one, at `after` at the latest. */
function changeBetween(before: number, after: number, offsetAt: (ms: number) => number): number {
  const offsetMs = offsetAt(before)
  let [low, high] = [before, after]
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000
    if (offsetAt(middle) === offsetMs) low = middle
    else high = middle
  }
  return high
}
