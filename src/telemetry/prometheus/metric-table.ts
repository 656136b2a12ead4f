/** One metric as Prometheus shows it. Its name begins with the prefix, `dueque_` unless another one is chosen. */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/** What all metrics of `dueque metrics` begin with, and by default those of a process. */
export const PREFIX = 'dueque_'

/** The value of the label `name` for all messages whose name is not one of its own series. */
export const OTHER = 'other'

/** Of a process with the telemetry `prometheus()`: what it does itself. docs/reference/telemetry.md shows the same table. */
export const PROCESS_METRICS = {
  messages_scheduled_total: {
    type: 'counter',
    labels: ['name', 'outcome'],
    help: 'Schedules: confirmed, refused (nothing waits) or unknown (the answer was lost).',
  },
  schedule_duration_seconds: {
    type: 'histogram',
    labels: [],
    help: 'From the call of schedule to its confirm.',
  },
  messages_unconfirmed: {
    type: 'gauge',
    labels: [],
    help: "Messages that wait for the broker's confirm, or to be sent.",
  },
  messages_processed_total: {
    type: 'counter',
    labels: ['queue', 'name', 'outcome'],
    help: 'Attempts: handled, retried, dead, or cancelled (no handler started, or no further attempt).',
  },
  message_lateness_seconds: {
    type: 'histogram',
    labels: ['queue'],
    help: 'From the due time of a message to its arrival, at its first attempt. Never below zero.',
  },
  handler_duration_seconds: {
    type: 'histogram',
    labels: ['queue', 'name'],
    help: 'From the start of a handler to its end, also if it throws.',
  },
  handlers_running: {
    type: 'gauge',
    labels: ['queue'],
    help: 'Messages that have a place of a handler, until they are settled.',
  },
  messages_held: {
    type: 'gauge',
    labels: ['queue'],
    help: 'Messages that arrived early and wait in this process.',
  },
  messages_following: {
    type: 'gauge',
    labels: ['queue'],
    help: 'Copies of running messages that wait for their outcome.',
  },
  messages_suppressed_total: {
    type: 'counter',
    labels: ['queue'],
    help: 'Duplicates of settled messages, acknowledged without a handler.',
  },
  messages_put_back_total: {
    type: 'counter',
    labels: ['queue'],
    help: 'Messages that arrived over 30 s early and wait again: clocks differ.',
  },
  unroutable_parked_total: {
    type: 'counter',
    labels: ['reason'],
    help: 'Unroutable messages that this process moved to the parking queue.',
  },
  cancellations_total: {
    type: 'counter',
    labels: ['outcome'],
    help: 'Cancellations and reschedules: cancelled, too-late, unknown (no due time was given), not-waiting, or failed.',
  },
  cancellations_proved_age_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Since it was last proved that every cancellation is read. Missing before the first time.',
  },
  cancellations_remembered: {
    type: 'gauge',
    labels: [],
    help: 'Cancellations in the memory of consumers.',
  },
  connection_up: {
    type: 'gauge',
    labels: ['role'],
    help: 'Whether the producer, the consumers and the store are connected: 1, or 0 if one of them is not.',
  },
  broker_blocked: {
    type: 'gauge',
    labels: [],
    help: 'Whether RabbitMQ takes no messages for now, because memory or disk are low.',
  },
  disconnections_total: {
    type: 'counter',
    labels: [],
    help: 'Connections to RabbitMQ that were lost.',
  },
  errors_total: {
    type: 'counter',
    labels: ['code'],
    help: 'Errors that need an operator (the event error), by their code.',
  },
} as const satisfies Record<string, Metric>

/** Of `dueque metrics`: what the broker and the store hold. docs/reference/telemetry.md shows the same table. */
export const BROKER_METRICS = {
  up: {
    type: 'gauge',
    labels: ['source'],
    help: 'Whether a source answered: broker (AMQP), counts (of queues, unless the management API is named), management (its API, if named or once found), store.',
  },
  counts_complete: {
    type: 'gauge',
    labels: [],
    help: 'Whether the management API counted. If not, AMQP did: messages on their way between two queues and unacked ones are missing, outlets too, and dead queues but for those of --queue.',
  },
  messages_waiting: {
    type: 'gauge',
    labels: ['unit'],
    help: 'Waiting messages, by the unit of their rung (ms, s, m, h, d), or in the store (redis, postgres).',
  },
  rungs_backed_up: {
    type: 'gauge',
    labels: [],
    help: 'Rungs that drain slower than they fill, or are jammed. Only by the management API.',
  },
  messages_in_outlets: {
    type: 'gauge',
    labels: [],
    help: 'Due messages that their exchange or queue does not take. Only by the management API.',
  },
  messages_unroutable: {
    type: 'gauge',
    labels: [],
    help: 'Due messages without a destination that are sent on or parked by the next process that connects.',
  },
  messages_parked: {
    type: 'gauge',
    labels: [],
    help: 'Messages that had nowhere to go.',
  },
  messages_dead: {
    type: 'gauge',
    labels: ['queue'],
    help: 'Messages that consumers of the queue gave up. The label is the work queue.',
  },
  connections: {
    type: 'gauge',
    labels: [],
    help: 'Connections of dueque to the virtual host, that of this exporter included. Only by the management API.',
  },
  next_due_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the next message of the store is due. Missing if none waits; RabbitMQ itself cannot tell.',
  },
  relay_lag_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How long the next message of the store is overdue, which no relay has claimed. 0 if none is.',
  },
} as const satisfies Record<string, Metric>

export type ProcessMetric = keyof typeof PROCESS_METRICS
export type BrokerMetric = keyof typeof BROKER_METRICS
