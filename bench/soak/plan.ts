import { below, randomFrom } from './random.js'

/** A process of the run: `producer-0` is `{ role: 'producer', index: 0 }`. */
export interface Seat {
  role: 'producer' | 'consumer'
  index: number
}

export type Fault = { atSeconds: number } & (
  { does: 'kill-node'; node: number } | { does: 'cut' | 'kill' | 'terminate'; seat: Seat }
)

export interface PlanOptions {
  seed: number
  seconds: number
  killEvery: number
  nodes: number
  producers: number
  consumers: number
}

/** The number of other faults for each kill of a node. */
const OTHERS = 4

/** The faults and their times, in order. The same options make the same plan. */
export function planOf({ seed, seconds, killEvery, nodes, producers, consumers }: PlanOptions): Fault[] {
  const random = randomFrom(seed)
  const seats: Seat[] = [
    ...Array.from({ length: producers }, (_, index) => ({ role: 'producer' as const, index })),
    ...Array.from({ length: consumers }, (_, index) => ({ role: 'consumer' as const, index })),
  ]
  const plan: Fault[] = []
  for (let atSeconds = killEvery; atSeconds < seconds; atSeconds += killEvery) {
    plan.push({ atSeconds, does: 'kill-node', node: below(nodes, random) })
  }
  const step = killEvery / OTHERS
  for (let begin = step; begin + step <= seconds; begin += step) {
    const atSeconds = Math.round((begin + random() * step) * 10) / 10
    const does = (['cut', 'kill', 'terminate'] as const)[below(3, random)]!
    plan.push({ atSeconds, does, seat: seats[below(seats.length, random)]! })
  }
  return plan.sort((a, b) => a.atSeconds - b.atSeconds)
}

export function faultText(fault: Fault): string {
  if (fault.does === 'kill-node') return `kill -9 of node ${fault.node}, and its restart`
  const name = seatName(fault.seat)
  if (fault.does === 'cut') return `connections of ${name} closed by the broker`
  return fault.does === 'kill' ? `kill -9 of ${name}` : `SIGTERM of ${name}`
}

export function seatName({ role, index }: Seat): string {
  return `${role}-${index}`
}
