/** A way for reminders to wait: a strategy of dueque, in words. */
export interface Way {
  /** Keeps the waiting reminders. */
  readonly server: 'RabbitMQ' | 'Redis' | 'PostgreSQL' | 'memory'
  /** Where a reminder waits, and what hands it over when it is due. */
  readonly story: string
  /** What another way can do and this one cannot. */
  readonly cannot: readonly string[]
}

const RELAYED = 'and a relay in each worker hands due ones to RabbitMQ'

export const WAYS = {
  ladder: {
    server: 'RabbitMQ',
    story: 'reminders wait in quorum queues of RabbitMQ, which moves them on by itself',
    cannot: [
      'cancel in the last second before the due time',
      'list waiting messages without a journal',
      'schedule in your own transaction',
    ],
  },
  plugin: {
    server: 'RabbitMQ',
    story: 'reminders wait in the delayed-message plugin of RabbitMQ, on one node',
    cannot: [
      'run on RabbitMQ 4.3 or later',
      'keep waiting messages when their node is lost',
      'wait longer than 49.7 days',
      'list waiting messages without a journal',
    ],
  },
  redis: {
    server: 'Redis',
    story: `reminders wait in a sorted set of Redis, ${RELAYED}`,
    cannot: ['keep more than Redis keeps: use an append-only file', 'schedule in your own transaction'],
  },
  'redis-expiry': {
    server: 'Redis',
    story: `reminders wait beside keys of Redis that expire, ${RELAYED}`,
    cannot: ['be punctual: Redis notices expired keys late', 'keep more than Redis keeps'],
  },
  postgres: {
    server: 'PostgreSQL',
    story: `reminders wait in a table of PostgreSQL, ${RELAYED}`,
    cannot: ['be as punctual as the ladder or redis'],
  },
  memory: {
    server: 'memory',
    story: 'reminders wait in the memory of one process, without RabbitMQ, as in unit tests',
    cannot: ['outlive its process', 'reach another process'],
  },
} as const satisfies Record<string, Way>

export type WayName = keyof typeof WAYS
export const wayNames = Object.keys(WAYS) as WayName[]

/** The way of this name, from a command line or the environment. */
export function wayNamed(text: string): WayName {
  const name = wayNames.find((one) => one === text)
  if (name) return name
  throw new Error(`--strategy: expected one of ${wayNames.join(', ')}, got '${text}'`)
}
