/**
 * What the server of the dashboard and its pages say to each other: JSON below `api/`. Instants are ISO 8601 texts in UTC,
 * durations milliseconds. The server and the pages come from one package, so that this is no contract for others.
 *
 * A request that fails is answered with a status of 4xx or 5xx and a {@link Failure}.
 */
import type { Finding } from '../base/finding.js'
import type { CancelResult } from '../schedule/cancel-result.js'

/** An ISO 8601 text in UTC. */
export type Instant = string

export interface Failure {
  /** The code of a `DuequeError`, or `NOT_FOUND`, `NOT_ALLOWED`, `BAD_REQUEST`. */
  code: string
  message: string
  /** Of `COUNT_CHANGED`: how many messages fit now. */
  found?: number
}

/** What may be done beside looking. Each page hides what may not be done; the server refuses it in any case. */
export type Permission = 'payloads' | 'cancel' | 'reschedule' | 'redrive' | 'purge' | 'recurring'

/** `GET api/about`. */
export interface About {
  version: string
  namespace: string
  /** Of the strategy: `ladder`, `redis`, … */
  strategy: string
  /** How waiting messages can be shown. Without a list, `hint` says what would give one; with one, why it is slow. */
  waiting: { list: boolean; hint?: string }
  recurring: boolean
  /** Whether there is a broker whose queues can be looked at: not with messages in memory. */
  broker: boolean
  /** Rungs of a ladder are there to be drawn. */
  ladder: boolean
  permissions: Permission[]
  now: Instant
}

/** `GET api/overview`, and each event `overview` of `GET api/events`. Null: not known. */
export interface Overview {
  at: Instant
  /** The broker or the store could not be asked. The rest is as it was last known. */
  failure?: Failure
  waiting: number | null
  dueWithinMinute: number | null
  /** Of the last minute, or since the dashboard looks. */
  deliveredPerMinute: number | null
  scheduledPerMinute: number | null
  lateness: LatenessView | null
  dead: CountTrend | null
  parked: CountTrend | null
}

export interface LatenessView {
  p50Ms: number | null
  p99Ms: number | null
  messages: number
  /** `exporters`: all messages of the consumers whose exporters were named. `probe`: a message of the dashboard's own. */
  source: 'exporters' | 'probe'
  problems: string[]
}

export interface CountTrend {
  messages: number
  /** The change in the last hour, or since the dashboard looks. */
  change: number
  overMs: number
}

/** `GET api/findings`: what doctor finds, the worst first. It is looked at once in five minutes, at most. */
export interface Findings {
  at: Instant
  findings: Finding[]
}

/** `GET api/timeline?range=hour|day|week` and the fields of a {@link Search}: the waiting messages by time. */
export interface Timeline {
  unit: 'minute' | 'hour' | 'day'
  from: Instant
  to: Instant
  /** Units without any are left out. */
  counts: { from: Instant; count: number }[]
}

/** The fields of a search, each a parameter of the query. A message has to fit every one that is given. */
export interface Search {
  /** A part of the id. */
  id?: string
  idPrefix?: string
  name?: string
  /** `queue:NAME`, `exchange:NAME`, or `exchange:NAME/KEY`. */
  destination?: string
  /** `NAME=VALUE`. */
  header?: string
  from?: Instant
  to?: Instant
}

/**
 * `GET api/waiting?cursor&limit` and a {@link Search}: a page, the next to be due first. `GET api/waiting/count` and a search:
 * `{ count }`.
 */
export interface WaitingList {
  messages: WaitingRow[]
  /** For the next page. Null on the last one. */
  cursor: string | null
}

/** Names a waiting message. */
export interface WaitingKey {
  id: string
  revision: number
  readyAt: Instant
}

export interface WaitingRow extends WaitingKey {
  name: string
  destination: string
  attempt: number
}

/** `GET api/waiting/message?id&revision`. 404 if it does not wait any more. */
export interface WaitingDetails extends WaitingRow {
  dueAt: Instant
  scheduledAt: Instant
  headers: Record<string, unknown>
  /** Bytes of the body. Null if the journal keeps no bodies. */
  bytes: number | null
}

/** `GET api/waiting/payload?id&revision`, with the permission `payloads`. */
export interface Payload {
  encoding: 'utf8' | 'base64'
  text: string
}

/** `POST api/waiting/change`: of some messages, or of all that fit a search, of which `expected` were counted. */
export interface WaitingChange {
  action: 'cancel' | 'reschedule' | 'deliver-now'
  messages?: WaitingKey[]
  search?: Search
  /** With a search: the number that the user has confirmed. More than that many are refused, before anything changes. */
  expected?: number
  /** To reschedule: one instant for all, or a delay from now. */
  at?: Instant
  in?: string
}

/**
 * A work of the server. The answer to each POST that changes messages, and each event `job` of `GET api/events`, which begins with
 * an event `jobs`: `{ jobs }`, as `GET api/jobs`, the newest first. After an event `again`, the stream ends: a viewer whose login
 * is still good connects anew.
 */
export interface Job {
  id: string
  what: string
  /** Without it, nobody may stop the job. */
  needs: Permission
  state: 'running' | 'done' | 'failed' | 'stopped'
  done: number
  /** Null while it is not known. */
  of: number | null
  /** How many had each outcome: those of `cancel`, `rescheduled`, `redriven`, `removed`, `failed`. */
  outcomes: Partial<Record<CancelResult | 'rescheduled' | 'redriven' | 'removed' | 'failed', number>>
  failure?: Failure
  startedAt: Instant
}

/** `POST api/jobs/stop`. */
export interface StopJob {
  id: string
}

export type FailedKindName = 'dead' | 'parked'

/** `GET api/failed?kind=dead|parked`: queues with messages, the most first. */
export interface FailedQueues {
  queues: { queue: string; messages: number; oldest: Instant | null; reasons: { reason: string; count: number }[] }[]
}

/** Which failed messages: all of a queue, narrowed by each field that is given. */
export interface FailedChoice {
  kind: FailedKindName
  /** The work queue of dead messages. */
  queue?: string
  id?: string[]
  name?: string
  reason?: string
}

/** `GET api/failed/list?offset&limit` and the fields of a {@link FailedChoice}. */
export interface FailedList {
  messages: FailedRow[]
  count: number
  reasons: { reason: string; count: number }[]
}

export interface FailedRow {
  id: string | null
  name: string | null
  destination: string | null
  reason: string | null
  error: string | null
  /** Deliveries to a handler, of dead messages. */
  attempts: number | null
  dueAt: Instant | null
  failedAt: Instant | null
  bytes: number
}

/** `GET api/failed/message?kind&queue&id`. The body only with the permission `payloads` and `body=1`. */
export interface FailedMessage extends FailedRow {
  stack: string | null
  exchange: string
  routingKey: string
  headers: Record<string, unknown>
  body?: Payload
}

/** `POST api/failed/redrive` and `POST api/failed/purge`: a {@link Job}. */
export interface FailedChange extends FailedChoice {
  /** Messages a second, to redrive. */
  rate?: number
  /**
   * The number that the user has confirmed. No more than that many are redriven. To purge, another number in the queue is
   * refused with `COUNT_CHANGED`, before anything is removed: also if copies of a message have one id.
   */
  expected: number
}

/** `GET api/recurring?cursor&idPrefix`. */
export interface RecurringList {
  schedules: RecurringRow[]
  cursor: string | null
}

export interface RecurringRow {
  id: string
  name: string
  destination: string
  cron: string | null
  tz: string | null
  everyMs: number | null
  paused: boolean
  note: string | null
  nextAt: Instant | null
}

/** `GET api/recurring/one?id`. */
export interface RecurringDetails extends RecurringRow {
  from: Instant | null
  until: Instant | null
  limit: number | null
  jitterMs: number
  catchUp: 'once' | 'none' | 'all'
  headers: Record<string, unknown>
  /** With the permission `payloads`. */
  payload?: unknown
  /** The next ten times; none while it is paused. */
  next: Instant[]
  /** The last ten times of its calendar, the latest first, whether messages were sent or not. */
  last: Instant[]
}

/** `POST api/recurring/change`. Answers `{ changed: boolean }`; of a trigger true. */
export interface RecurringChange {
  id: string
  action: 'pause' | 'resume' | 'trigger' | 'remove'
}

/** `GET api/ladder`, the shortest rung first. */
export interface LadderView {
  rungs: { rung: string; ttlMs: number; messages: number; backedUp: boolean }[]
  /** Due, and on their way to their targets. */
  outlets: { target: string; messages: number }[]
}
