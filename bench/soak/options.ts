import { parseArgs } from 'node:util'

export interface SoakOptions {
  minutes: number
  seed: number
  rate: number
  killEvery: number
  producers: number
  consumers: number
  patience: number
  keep: boolean
}

export const USAGE = `usage: npm run soak -- [OPTION …]

Three private nodes of RabbitMQ (programs: DUEQUE_RABBITMQ_BIN), producers and consumers in processes of their own, and
faults at random: nodes and processes killed with -9, processes ended with SIGTERM, connections closed. Then an audit of
every message: nothing lost, nothing early, nothing twice unexplained. Exits with 0 or 1.

  --minutes N           for how long (5)
  --seed S              of the faults and of the messages: the same seed, the same plan (random)
  --rate N              messages per second in all (300)
  --kill-every SECONDS  from one kill of a node to the next; four other faults in between (30)
  --producers N         processes (2)
  --consumers N         processes (2)
  --patience SECONDS    how long the queues may take to come to rest when the faults have ended (600)
  --keep                keeps the ledgers of a run without a failure too

The ledgers, a line for each thing that a process did, are in bench/results/.`

const DEFAULTS = { minutes: 5, rate: 300, 'kill-every': 30, producers: 2, consumers: 2, patience: 600 }
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
      'kill-every': text,
      producers: text,
      consumers: text,
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
    killEvery: number('kill-every'),
    producers: number('producers'),
    consumers: number('consumers'),
    patience: number('patience'),
    keep: values.keep ?? false,
  }
}

/** The command that repeats the run. */
export function commandOf({ minutes, seed, rate, killEvery, producers, consumers, patience }: SoakOptions): string {
  const numbers = { minutes, seed, rate, 'kill-every': killEvery, producers, consumers, patience }
  const given = Object.entries(numbers).filter(([name, value]) => DEFAULTS[name as keyof typeof DEFAULTS] !== value)
  return `npm run soak -- ${given.map(([name, value]) => `--${name} ${value}`).join(' ')}`
}

function whole(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (value !== '' && Number.isSafeInteger(number) && number >= least && number < 2 ** 32) return number
  throw new Error(`--${name}: expected a whole number from ${least}, got '${value}'`)
}
