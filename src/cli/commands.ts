import type { Command } from 'commander'
import { keepHeapSmall } from './small-heap.js'
import type { Terminal } from './terminal.js'

/** A command as `dueque --help` shows it. Its module, which costs time to load, is loaded when it is named. */
export interface CommandEntry {
  /** As commander shows it: with `|` before another name, and its arguments. */
  readonly term: string
  readonly description: string
  /** Resolves to the function that gives the command its arguments, options and action, or its subcommands. */
  load: () => Promise<(command: Command, terminal: Terminal) => void>
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    term: 'schedule [options]',
    description: 'schedule a message, or one for each line of the input',
    load: async () => (await import('./commands/schedule.js')).addSchedule,
  },
  {
    term: 'consume [options] <queue>',
    description: 'print the messages of a queue as they arrive, and ack them',
    load: async () => (await import('./commands/consume.js')).addConsume,
  },
  {
    term: 'status [options]',
    description: 'count the due, waiting and dead messages of each queue, and parked ones',
    load: async () => (await import('./commands/status.js')).addStatus,
  },
  {
    term: 'doctor [options]',
    description: 'find what would delay, lose or jam messages',
    load: async () => (await import('./commands/doctor.js')).addDoctor,
  },
  {
    term: 'topology',
    description: 'declare, look at, or delete what dueque needs in the broker',
    load: async () => (await import('./commands/topology.js')).addTopology,
  },
  {
    term: 'parked',
    description: 'messages that had nowhere to go: list, send on, remove',
    load: async () => (await import('./commands/parked.js')).addParked,
  },
  {
    term: 'dead',
    description: 'messages that consumers gave up: list, send back, remove',
    load: async () => (await import('./commands/dead.js')).addDead,
  },
  {
    term: 'batches',
    description: 'send the messages of batches one by one',
    load: async () => (await import('./commands/batches.js')).addBatches,
  },
  {
    term: 'relay [options]',
    description: 'hand over due messages of a store to RabbitMQ',
    load: async () => (await import('./commands/relay.js')).addRelay,
  },
  {
    term: 'gate [options] <queue>',
    description: 'forward due messages to a consumer without dueque',
    load: async () => (await import('./commands/gate.js')).addGate,
  },
  {
    term: 'recurring',
    description: 'send messages again and again',
    load: async () => (await import('./commands/recurring/recurring.js')).addRecurring,
  },
  {
    term: 'ticker [options]',
    description: 'run the schedules of recurring messages',
    load: async () => (await import('./commands/ticker.js')).addTicker,
  },
  {
    term: 'dashboard [options]',
    description: 'serve pages that show messages and time',
    load: async () => {
      keepHeapSmall()
      return (await import('./commands/dashboard.js')).addDashboard
    },
  },
  {
    term: 'metrics [options]',
    description: 'answer scrapes of Prometheus with counts of messages',
    load: async () => (await import('./commands/metrics.js')).addMetrics,
  },
  {
    term: 'journal',
    description: 'schedule again what a lost broker had waiting',
    load: async () => (await import('./commands/journal/restore.js')).addRestore,
  },
  {
    term: 'list [options]',
    description: 'list waiting messages, the next first',
    load: async () => (await import('./commands/waiting/list.js')).addList,
  },
  {
    term: 'show [options] <id>',
    description: 'show one waiting message, with its payload',
    load: async () => (await import('./commands/waiting/show.js')).addShow,
  },
  {
    term: 'cancel [options] [id...]',
    description: 'take back messages that wait',
    load: async () => (await import('./commands/waiting/cancel.js')).addCancel,
  },
  {
    term: 'reschedule [options] <id>',
    description: 'give a message that waits another due time',
    load: async () => (await import('./commands/waiting/reschedule.js')).addReschedule,
  },
  {
    term: 'count [options]',
    description: 'count waiting messages',
    load: async () => (await import('./commands/waiting/count.js')).addCount,
  },
  {
    term: 'postgres',
    description: 'the schema in which messages wait in PostgreSQL',
    load: async () => (await import('./commands/postgres.js')).addPostgres,
  },
  {
    term: 'plugin|migrate',
    description: 'leave the delayed-message plugin of RabbitMQ',
    load: async () => (await import('./commands/plugin/plugin.js')).addPlugin,
  },
]

/** `plugin` and `migrate` of the term `plugin|migrate`. */
export function namesOf(term: string): [string, ...string[]] {
  return /^\S+/.exec(term)![0].split('|') as [string, ...string[]]
}
