import { below, randomFrom } from './random.js'

/** A process of the run: `producer-0` is `{ role: 'producer', index: 0 }`. */
export interface Seat {
  role: 'producer' | 'consumer'
  index: number
}

/** A fault of servers, with what it does. A random node is hit, unless it says otherwise. */
export const NEMESES = {
  'kill-node': 'kill -9 of a node, and its restart',
  'kill-majority': 'kill -9 of two nodes at once, and their restart',
  restarts: 'a rolling restart of all nodes',
  'freeze-node': 'SIGSTOP of a node',
  'partition-one': 'a partition: a node sees no other',
  'partition-ring': 'a partition: two nodes do not see each other, and the third one sees both',
  'partition-all': 'a partition: no node sees another',
  'memory-alarm': 'a memory alarm',
  'disk-alarm': 'a disk alarm',
  'kill-redis': 'kill -9 of Redis, and its restart',
  'silent-redis': 'Redis is silent',
  'kill-postgres': 'kill -9 of PostgreSQL, and its restart',
  'silent-postgres': 'PostgreSQL is silent',
} as const
export type Nemesis = keyof typeof NEMESES

/** Faults of processes. */
export const PROCESS_FAULTS = ['cut', 'kill', 'terminate', 'freeze', 'clock'] as const
export type ProcessFault = (typeof PROCESS_FAULTS)[number]

/** `seconds`: how long it lasts, if it is no kill. */
export type Fault = { atSeconds: number; seconds: number } & (
  { does: Nemesis; node: number } | { does: ProcessFault; seat: Seat; stepSeconds: number }
)

export interface PlanOptions {
  seed: number
  seconds: number
  /** Seconds from one nemesis to the next. */
  every: number
  /** Those that the run may have. */
  nemeses: readonly Nemesis[]
  processFaults: readonly ProcessFault[]
  nodes: number
  producers: number
  consumers: number
}

/** The number of faults of processes for each nemesis. */
const OTHERS = 2
/** Longer than the heartbeats of RabbitMQ and all leases. */
const FREEZE_SECONDS = 40
/** In either direction. */
const STEP_SECONDS = [2, 5, 10] as const

/** The clock of a process on such a seat can be set. Those of the others show that nothing is early by a millisecond. */
export function hasOwnClock({ index }: Seat): boolean {
  return index === 1
}

/** The faults and their times, in order. The same options make the same plan. */
export function planOf(options: PlanOptions): Fault[] {
  const { seed, seconds, every, nemeses, nodes } = options
  const random = randomFrom(seed)
  const plan: Fault[] = []
  let deck: Nemesis[] = []
  for (let atSeconds = every; atSeconds < seconds && nemeses.length > 0; atSeconds += every) {
    if (deck.length === 0) deck = shuffled(nemeses, random)
    const lasts = Math.round(every * (0.3 + random() * 0.4))
    plan.push({ atSeconds, does: deck.pop()!, node: below(nodes, random), seconds: lasts })
  }
  plan.push(...processFaultsOf(options, random))
  return plan.sort((a, b) => a.atSeconds - b.atSeconds)
}

function processFaultsOf(options: PlanOptions, random: () => number): Fault[] {
  const { seconds, every, processFaults, producers, consumers } = options
  const seats: Seat[] = [
    ...Array.from({ length: producers }, (_, index) => ({ role: 'producer' as const, index })),
    ...Array.from({ length: consumers }, (_, index) => ({ role: 'consumer' as const, index })),
  ]
  const plan: Fault[] = []
  const step = every / OTHERS
  let deck: ProcessFault[] = []
  for (let begin = step; begin + step <= seconds && processFaults.length > 0; begin += step) {
    if (deck.length === 0) deck = shuffled(processFaults, random)
    const does = deck.pop()!
    plan.push({
      atSeconds: Math.round((begin + random() * step) * 10) / 10,
      does,
      seat: pick(does === 'clock' ? seats.filter(hasOwnClock) : seats, random),
      seconds: does === 'freeze' ? FREEZE_SECONDS : Math.round(every / 2),
      stepSeconds: STEP_SECONDS[below(STEP_SECONDS.length, random)]! * (random() < 0.5 ? -1 : 1),
    })
  }
  return plan
}

function pick<T>(items: readonly T[], random: () => number): T {
  return items[below(items.length, random)]!
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = below(i + 1, random)
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}

export function isNemesis(fault: Fault): fault is Fault & { does: Nemesis } {
  return fault.does in NEMESES
}

export function faultText(fault: Fault): string {
  const { does, seconds } = fault
  if (isNemesis(fault))
    return `${NEMESES[fault.does]}${isOnNode(fault.does) ? ` (node ${fault.node})` : ''}${lasts(does, seconds)}`
  const { seat, stepSeconds } = fault as Fault & { seat: Seat; stepSeconds: number }
  const name = seatName(seat)
  switch (does as ProcessFault) {
    case 'cut':
      return `connections of ${name} closed by the broker`
    case 'kill':
      return `kill -9 of ${name}`
    case 'terminate':
      return `SIGTERM of ${name}`
    case 'freeze':
      return `SIGSTOP of ${name} for ${seconds} s`
    case 'clock':
      return `the clock of ${name} set by ${stepSeconds} s, for ${seconds} s`
  }
}

function isOnNode(does: Nemesis): boolean {
  return /node|one|ring|alarm/.test(does)
}

function lasts(does: string, seconds: number): string {
  return /freeze|partition|alarm|silent/.test(does) ? ` for ${seconds} s` : ''
}

export function seatName({ role, index }: Seat): string {
  return `${role}-${index}`
}
