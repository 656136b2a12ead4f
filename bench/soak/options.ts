import { parseArgs } from 'node:util'
import { NEMESES, type Nemesis } from './plan.js'

export interface SoakOptions {
  minutes: number
  seed: number
  rate: number
  /** Seconds from one nemesis to the next. */
  every: number
  /** Those to choose from. Undefined: all that this machine allows. */
  nemeses: readonly Nemesis[] | undefined
  producers: number
  consumers: number
  /** A commit: one more producer and consumer have the version of it. */
  beside: string | undefined
  patience: number
  keep: boolean
}

export const USAGE = `usage: npm run soak -- [OPTION …]

Three private nodes of RabbitMQ (programs: DUEQUE_RABBITMQ_BIN), Redis and PostgreSQL, producers and consumers in processes
of their own, and faults at random: of nodes, of the network between them, of the stores, of processes and their clocks. The load
has many features. Then a check of every message: nothing lost, early, unexpected or handled though it was cancelled, nothing
twice unexplained. Exits with 0 or 1.

  --minutes N           for how long (5)
  --seed S              of the faults and of the messages: the same seed, the same plan (random)
  --rate N              messages per second in all (300)
  --every SECONDS       from one nemesis to the next; two faults of processes in between (30)
  --nemeses LIST        with commas (all that the machine allows): ${Object.keys(NEMESES).join(', ').replace('kill-redis', '\n                        kill-redis').replace('freeze-node', '\n                        freeze-node')}
  --producers N         processes (2)
  --consumers N         processes (2)
  --beside COMMIT       one more producer and one more consumer, which run dueque as it was then
  --patience SECONDS    how long the queues may take to come to rest when the faults have ended (600)
  --keep                keeps the ledgers of a run without a failure too

The ledgers, a line for each thing that a process did, are in bench/results/.`

const DEFAULTS = { minutes: 5, rate: 300, every: 30, producers: 2, consumers: 2, patience: 600 }
const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

/** Undefined if help was requested. */
export function parseCommandLine(args: string[]): SoakOptions | undefined {
  const { values } = parseArgs({
    args,
    options: {
      minutes: text,
      seed: text,
      rate: text,
      every: text,
      nemeses: text,
      producers: text,
      consumers: text,
      beside: text,
      patience: text,
      keep: flag,
      help: flag,
    },
  })
  if (values.help) return undefined
  const number = (name: keyof typeof DEFAULTS) => whole(name, values[name], 1) ?? DEFAULTS[name]
  return {
    minutes: number('minutes'),
    seed: whole('seed', values.seed, 0) ?? Math.floor(Math.random() * 1_000_000),
    rate: number('rate'),
    every: number('every'),
    nemeses: values.nemeses === undefined ? undefined : nemesesIn(values.nemeses),
    producers: number('producers'),
    consumers: number('consumers'),
    beside: values.beside,
    patience: number('patience'),
    keep: values.keep ?? false,
  }
}

/** The command that repeats the run. */
export function commandOf({
  minutes,
  seed,
  rate,
  every,
  nemeses,
  producers,
  consumers,
  beside,
  patience,
}: SoakOptions): string {
  const numbers = { minutes, seed, rate, every, producers, consumers, patience }
  const given = Object.entries(numbers).filter(([name, value]) => DEFAULTS[name as keyof typeof DEFAULTS] !== value)
  const words = given.map(([name, value]) => `--${name} ${value}`)
  if (beside !== undefined) words.push(`--beside ${beside}`)
  if (nemeses) words.push(`--nemeses ${nemeses.join()}`)
  return `npm run soak -- ${words.join(' ')}`
}

function nemesesIn(value: string): Nemesis[] {
  return value.split(',').map((name) => {
    if (name in NEMESES) return name as Nemesis
    throw new Error(`--nemeses: expected some of ${Object.keys(NEMESES).join(', ')}, got '${name}'`)
  })
}

function whole(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (value !== '' && Number.isSafeInteger(number) && number >= least && number < 2 ** 32) return number
  throw new Error(`--${name}: expected a whole number from ${least}, got '${value}'`)
}
