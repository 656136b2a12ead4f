/** How many values are at most as large as each bound. The bound Infinity has all of them. */
export type Histogram = ReadonlyMap<number, number>

export function totalOf(histogram: Histogram): number {
  return histogram.get(Infinity) ?? 0
}

/** What a histogram counted since `before`. One that counts less than before has begun anew. */
export function increaseOf(before: Histogram | undefined, after: Histogram): Histogram {
  if (!before || totalOf(after) < totalOf(before)) return after
  return new Map([...after].map(([bound, count]) => [bound, Math.max(count - (before.get(bound) ?? 0), 0)]))
}

/** Values between two bounds of one histogram that another one has count for the upper of the two. */
export function sumOfHistograms(histograms: readonly Histogram[]): Histogram {
  const bounds = [...new Set(histograms.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b)
  const sum = new Map(bounds.map((bound) => [bound, 0]))
  for (const histogram of histograms) {
    let count = 0
    for (const bound of bounds) {
      count = Math.max(count, histogram.get(bound) ?? 0)
      sum.set(bound, sum.get(bound)! + count)
    }
  }
  return sum
}

/**
 * The value below which a share of all values is, estimated as Prometheus does: values lie evenly between two bounds, and those
 * above the largest bound are at it. Undefined without values.
 */
export function quantileOf(histogram: Histogram, share: number): number | undefined {
  const total = totalOf(histogram)
  if (total === 0) return undefined
  const rank = share * total
  let [below, counted] = [0, 0]
  for (const [bound, count] of [...histogram].sort(([a], [b]) => a - b)) {
    if (count >= rank && count > counted) {
      return bound === Infinity ? below : below + (bound - below) * ((rank - counted) / (count - counted))
    }
    ;[below, counted] = [bound, Math.max(counted, count)]
  }
  return below
}
