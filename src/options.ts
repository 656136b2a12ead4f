import { hostname } from 'node:os'
import { pid } from 'node:process'
import { TLS_RULES, type TlsOptions } from './amqp/connection/tls.js'
import { parseEndpoints } from './amqp/connection/endpoint.js'
import type { QueueType, TopologyMode } from './amqp/topology/names.js'
import {
  anAbortSignal,
  anything,
  checkOptions,
  flag,
  group,
  integer,
  nonEmptyText,
  oneOf,
  type Rule,
  type Rules,
} from './base/checks.js'
import { LONGEST_TIMER_MS, systemClock, type Clock } from './base/clock.js'
import { resolveLogger, type Logger, type NestLogger } from './base/logger.js'
import { GRACE_MS, KEPT_LONGER_MS } from './log/horizons.js'
import type { WithDefaults } from './base/with-defaults.js'
import { ladder } from './strategies/ladder/ladder.js'
import { aStrategy, type Strategy } from './strategies/strategy.js'
import { aTelemetry, type Telemetry } from './telemetry.js'

export interface ConnectOptions<S extends Strategy = Strategy> {
  /**
   * Where RabbitMQ is: `amqp://user:password@host:5672/vhost`, `amqps://…`, or several of them, tried in turn.
   * @default 'amqp://localhost'
   */
  url?: string | readonly string[] | undefined
  /** How messages wait. @default ladder() */
  strategy?: S | undefined
  /** The first part of every name that dueque declares. Two namespaces share only the broker. @default 'dueque' */
  namespace?: string | undefined
  /** The type of the queues that dueque declares. @default 'quorum' */
  queueType?: QueueType | undefined
  /**
   * `declare`: everything is declared when it is first needed. `trust`: nothing is; `dueque topology apply` has declared
   * it, and the user needs no configure permission (docs/operations/permissions.md has the patterns).
   * @default 'declare'
   */
  topology?: TopologyMode | undefined
  /** How the connections show in the management UI. @default 'dueque@host:pid' */
  name?: string | undefined
  /** Certificates and the like, for `amqps` URLs. */
  tls?: TlsOptions | undefined
  /** After two to three of which a dead connection is noticed. 0 turns heartbeats off. @default 10 */
  heartbeatSeconds?: number | undefined
  /** For one attempt at one URL. @default 10_000 */
  connectTimeoutMs?: number | undefined
  /**
   * For how many milliseconds `connect` tries again while no broker can be reached, for a process that may start before its
   * broker. Only `UNREACHABLE` is tried again, with a back-off; what no waiting mends fails at once. 0: one attempt at each URL.
   * @default 0
   */
  waitMs?: number | undefined
  /** Ends the waiting of `connect` with `ABORTED`, in a process that is told to stop. Does nothing once it is connected. */
  signal?: AbortSignal | undefined
  /** After which a `schedule` that the broker did not confirm fails. @default 30_000 */
  publishTimeoutMs?: number | undefined
  /** Unconfirmed messages on the wire at most, the rest waits in the process. @default 2000 */
  maxInFlight?: number | undefined
  /** The largest body that the broker takes: 16 MiB on RabbitMQ 4, unless configured otherwise. @default 16_777_216 */
  maxBodyBytes?: number | undefined
  /**
   * Where dueque writes what operators need to know. Takes pino, winston, `console` and the logger of NestJS as they are, or
   * any object with `debug`, `info`, `warn` and `error`, each called with a text and data. A logger that throws does no
   * harm. `false`: nothing is written.
   * @default one line on standard error for each warning and error
   */
  logger?: Logger | NestLogger | false | undefined
  /** The times that count for cancellations in RabbitMQ, which consumers of every strategy read. */
  cancellations?: CancellationOptions | undefined
  /**
   * Whether this process takes part in scheduling the occurrences of recurring messages, as soon as it consumes. One process of a
   * namespace does it at a time, and another one takes over when that one ends. @default true
   */
  recurring?: boolean | undefined
  /** Hooks for tracing and metrics, or a list of them: docs/guides/telemetry.md. A hook that throws does no harm. */
  telemetry?: Telemetry | readonly Telemetry[] | undefined
}

export interface CancellationOptions {
  /**
   * How many milliseconds before the due time a cancellation has to be confirmed to be answered with `cancelled`, 100 to
   * 60,000. The clocks of producers and consumers may differ by half of it. @default 1000
   */
  marginMs?: number | undefined
  /**
   * How many milliseconds after the due time a consumer remembers a cancellation, up to 7 days. Make it longer than the
   * longest outage of your consumers: a cancelled message that is handled later than that is not known any more.
   * @default 86_400_000, a day
   */
  graceMs?: number | undefined
}

const CANCELLATION_RULES: Rules<CancellationOptions> = {
  marginMs: integer(100, 60_000),
  graceMs: integer(0, KEPT_LONGER_MS),
}

export type ResolvedOptions = WithDefaults<Omit<ConnectOptions, 'logger' | 'signal' | 'telemetry' | 'cancellations'>> &
  Pick<ConnectOptions, 'signal'> & {
    telemetry: readonly Telemetry[]
    logger: Logger
    clock: Clock
    cancellations: Required<WithDefaults<CancellationOptions>>
  }

/** @throws DuequeError `INVALID_OPTION` */
export function resolveOptions(options: ConnectOptions): ResolvedOptions {
  checkOptions(options, CONNECT_RULES)
  return resolveConnection(options)
}

/** Of options that were checked, among which there may be others. */
export function resolveConnection(options: ConnectOptions): ResolvedOptions {
  // Also of getters, and of what is inherited.
  const present = (Object.keys(CONNECT_RULES) as (keyof ConnectOptions)[])
    .map((name) => [name, options[name]] as const)
    .filter(([, value]) => value !== undefined)
  const given = Object.fromEntries(present) as Partial<WithDefaults<Omit<ConnectOptions, 'logger'>>> &
    Pick<ConnectOptions, 'logger'>
  const strategy = given.strategy ?? ladder()
  return {
    url: 'amqp://localhost',
    namespace: 'dueque',
    queueType: 'quorum',
    topology: 'declare',
    name: `dueque@${hostname()}:${pid}`,
    tls: {},
    heartbeatSeconds: 10,
    connectTimeoutMs: 10_000,
    waitMs: 0,
    publishTimeoutMs: 30_000,
    maxInFlight: 2000,
    maxBodyBytes: 16 * 1024 * 1024,
    recurring: true,
    clock: (strategy as { clock?: Clock }).clock ?? systemClock,
    ...given,
    logger: resolveLogger(given.logger),
    telemetry: [given.telemetry ?? []].flat(),
    cancellations: { marginMs: 1000, graceMs: GRACE_MS, ...given.cancellations } as ResolvedOptions['cancellations'],
    strategy,
  }
}

const aUrl: Rule = (value, option) => {
  parseEndpoints(value as string, option)
  return undefined
}

const aNamespace: Rule = (value) =>
  typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value) ? undefined : 'up to 64 letters, digits and . : _ -'

export const CONNECT_RULES: Rules<ConnectOptions> = {
  url: aUrl,
  strategy: aStrategy,
  namespace: aNamespace,
  queueType: oneOf('quorum', 'classic'),
  topology: oneOf('declare', 'trust'),
  name: nonEmptyText,
  tls: group(TLS_RULES),
  heartbeatSeconds: integer(0, 65_535),
  connectTimeoutMs: integer(1, LONGEST_TIMER_MS),
  waitMs: integer(0, LONGEST_TIMER_MS),
  signal: anAbortSignal,
  publishTimeoutMs: integer(1, LONGEST_TIMER_MS),
  maxInFlight: integer(1, 65_535),
  maxBodyBytes: integer(1, 512 * 1024 * 1024),
  logger: anything,
  cancellations: group(CANCELLATION_RULES),
  recurring: flag,
  telemetry: aTelemetry,
}
