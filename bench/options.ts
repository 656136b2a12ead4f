import { parseArgs } from 'node:util'

/** Options of the command line. Each scenario has defaults for missing ones. */
export interface Options {
  count: number | undefined
  rounds: number | undefined
  inFlight: number | undefined
  rate: number | undefined
  seconds: number | undefined
  minutes: number | undefined
  killEvery: number | undefined
  netTick: number | undefined
  dueIn: number | undefined
  patience: number | undefined
  prefetch: number | undefined
  kibPerSecond: number | undefined
  shards: number
  lead: number
  by: 'schedule' | 'scheduleAll' | 'batches'
  fullSpeed: boolean
  delay: number | undefined
  semiSpace: number | undefined
  realtime: boolean
  queueType: 'quorum' | 'classic'
  strategy: 'ladder' | 'redis' | 'postgres'
  receiver: 'dueque' | 'raw' | 'none'
  brokerDefaults: boolean
  freshRungs: boolean
}

export const USAGE = `usage: npm run bench -- [SCENARIO …] [OPTION …]

scenarios (all of them by default, but for the last twelve)
  rate       confirmed schedules per second, as a share of plain publishes with amqplib
  lateness   arrival − due at a steady rate, random delays of 1–10 s
  memory     what waiting messages cost the broker, and their producer
  burst      how fast many messages with one due time leave the broker
  crash      kill -9 of a broker with waiting messages: lost, duplicates, late
  file       a million messages for one instant from a file, by scheduleAll: with batches, without, and their memory
  backpressure  what a producer holds behind a slow network, and a slow consumer before a long queue
  cluster    three nodes under a steady rate, a random one killed with -9 and restarted again and again, and an audit
  partition  three nodes that do not see each other for a while: how long schedules, deliveries, cancellations stand still
  idle       what a million waiting messages cost a store, and what their relay does meanwhile
  expiry     how late a Redis of its own tells of expired keys, and what redisExpiry makes of it; memory beside redis
  cancellations  a consumer that starts with many cancellations, their confirms, and how soon every consumer knows
  journal    schedules per second, and lateness at a steady rate, with a journal and without, in turns
  telemetry  as journal, with dueque/otel and without; spans go to a batch processor, and from there nowhere
  journal-reading  how long readers of a large journal take, and how much memory its index takes
  recurring  lateness of occurrences beside that of plain messages, at a steady rate and at one instant: about 20 minutes
  strategies every strategy that this machine has a server for, side by side; writes docs/choosing.md

options
  --count N             messages of a round (rate and journal: 30000, burst, crash and strategies: 20000), or that wait
                        (memory: 500000, idle, file, backpressure, cancellations and journal-reading: 1000000);
                        recurring: schedules (100000)
  --rounds N            rate: rounds of each kind (3); journal: pairs (10)
  --in-flight N         unconfirmed messages at most: maxInFlight (2000)
  --rate N              messages per second (lateness and journal: 2000, cluster, recurring and strategies: 1000, cancellations: 100,
                        partition: 20 of each of three clients)
  --seconds N           for how long (lateness, and the consumer of backpressure: 60, idle, cancellations and partition: 30,
                        strategies and journal: 20)
  --minutes N           cluster: for how long (3)
  --kill-every SECONDS  cluster: from one kill to the next (20)
  --net-tick SECONDS    partition: net_ticktime of the nodes (60)
  --due-in SECONDS      burst: due time from the start (75; one rung lets all go if scheduling ends 60 s before)
  --patience SECONDS    how long nothing more must have arrived, to say that the rest is lost (30)
  --prefetch N          of the receiver (1000; backpressure: 100)
  --kib-per-second N    backpressure: of the network (4096)
  --queue-type TYPE     of the rungs: quorum or classic (quorum)
  --shards N            of each rung (1)
  --by CALL             lateness: schedule, scheduleAll, or batches: scheduleAll with { batch: true } (schedule)
  --full-speed          lateness: as fast as they are confirmed, --count of them (30000). Not by schedule
  --delay MS            lateness: one delay for all (random ones of 1–10 s)
  --lead MS             lateness: the broker hands over so much earlier, and the consumer holds (0)
  --semi-space MIB      lateness: node --max-semi-space-size of the receiver (64; Node's own is 16)
  --realtime            lateness: the receiver goes before all of ordinary priority (chrt --rr 1; Linux, as root)
  --strategy NAME       lateness, burst, idle, recurring: how messages wait: ladder, redis or postgres (ladder). For the last
                        two a private server is started (appendonly yes; fsync on), or REDIS_URL or DATABASE_URL is used
  --receiver KIND       lateness, burst: a consumer of dueque or of raw amqplib; burst: or none, and the queue is
                        watched (dueque)
  --broker-defaults     crash, cluster, partition: without the broker settings that dueque recommends
  --fresh-rungs         crash: on rungs that were declared only just before

Results are printed, and kept in bench/results/ as JSON.`

const NUMBERS = [
  'count',
  'rounds',
  'in-flight',
  'rate',
  'seconds',
  'minutes',
  'kill-every',
  'net-tick',
  'due-in',
  'patience',
  'prefetch',
  'kib-per-second',
  'shards',
  'lead',
  'delay',
  'semi-space',
] as const
const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const numbers = Object.fromEntries(NUMBERS.map((name) => [name, text])) as Record<(typeof NUMBERS)[number], typeof text>

export interface CommandLine {
  help: boolean
  scenarios: string[]
  options: Options
}

export function parseCommandLine(args: string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...numbers,
      'queue-type': text,
      receiver: text,
      strategy: text,
      'broker-defaults': flag,
      'fresh-rungs': flag,
      realtime: flag,
      'full-speed': flag,
      by: text,
      help: flag,
    },
  })
  const number = (name: (typeof NUMBERS)[number]) => positive(name, values[name])
  return {
    help: values.help ?? false,
    scenarios: positionals,
    options: {
      count: number('count'),
      rounds: number('rounds'),
      inFlight: number('in-flight'),
      rate: number('rate'),
      seconds: number('seconds'),
      minutes: number('minutes'),
      killEvery: number('kill-every'),
      netTick: number('net-tick'),
      dueIn: number('due-in'),
      patience: number('patience'),
      prefetch: number('prefetch'),
      kibPerSecond: number('kib-per-second'),
      shards: number('shards') ?? 1,
      lead: number('lead') ?? 0,
      by: oneOf('by', ['schedule', 'scheduleAll', 'batches'], values.by),
      fullSpeed: values['full-speed'] ?? false,
      delay: number('delay'),
      semiSpace: number('semi-space'),
      realtime: values.realtime ?? false,
      queueType: oneOf('queue-type', ['quorum', 'classic'], values['queue-type']),
      strategy: oneOf('strategy', ['ladder', 'redis', 'postgres'], values.strategy),
      receiver: oneOf('receiver', ['dueque', 'raw', 'none'], values.receiver),
      brokerDefaults: values['broker-defaults'] ?? false,
      freshRungs: values['fresh-rungs'] ?? false,
    },
  }
}

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new Error(`--${name}: expected a whole number from 1, got '${value}'`)
}

/** The first is the default. */
function oneOf<T extends string>(name: string, known: readonly [T, ...T[]], value: string | undefined): T {
  if (value === undefined) return known[0]
  const found = known.find((one) => one === value)
  if (found !== undefined) return found
  throw new Error(`--${name}: expected ${known.join(' or ')}, got '${value}'`)
}
