import { hostname } from 'node:os'
import { pid } from 'node:process'
import type { TlsOptions } from './amqp/tls.js'
import type { QueueType, TopologyMode } from './amqp/names.js'
import { systemClock, type Clock } from './clock.js'
import { invalidOption } from './errors.js'
import { resolveLogger, type Logger, type NestLogger } from './logger.js'
import type { Resolved } from './resolved.js'
import { ladder } from './strategies/ladder/ladder.js'
import type { Strategy } from './strategies/strategy.js'

export interface ConnectOptions<S extends Strategy = Strategy> {
  /**
   * Where RabbitMQ is: `amqp://user:password@host:5672/vhost`, `amqps://…`, or several of them, tried in turn.
   * @default 'amqp://localhost'
   */
  url?: string | readonly string[] | undefined
  /** How messages wait. @default ladder() */
  strategy?: S | undefined
  /** The first part of every name that dueque declares. Two namespaces share nothing but the broker. @default 'dueque' */
  namespace?: string | undefined
  /** The type of the queues that dueque declares. @default 'quorum' */
  queueType?: QueueType | undefined
  /**
   * `declare`: everything is declared when it is first needed. `trust`: nothing is; `dueque topology apply` has declared
   * it, and the user needs no configure permission (docs/operations.md has the patterns).
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
}

export type ResolvedOptions = Resolved<Omit<ConnectOptions, 'logger'>> & { logger: Logger; clock: Clock }

/** @throws DuequeError `INVALID_OPTION` */
export function resolveOptions(options: ConnectOptions): ResolvedOptions {
  const present = Object.entries(options).filter(([, value]) => value !== undefined)
  const given = Object.fromEntries(present) as Partial<Resolved<Omit<ConnectOptions, 'logger'>>> &
    Pick<ConnectOptions, 'logger'>
  const strategy = given.strategy ?? ladder()
  const resolved: ResolvedOptions = {
    url: 'amqp://localhost',
    namespace: 'dueque',
    queueType: 'quorum',
    topology: 'declare',
    name: `dueque@${hostname()}:${pid}`,
    tls: {},
    heartbeatSeconds: 10,
    connectTimeoutMs: 10_000,
    publishTimeoutMs: 30_000,
    maxInFlight: 2000,
    maxBodyBytes: 16 * 1024 * 1024,
    clock: (strategy as { clock?: Clock }).clock ?? systemClock,
    ...given,
    logger: resolveLogger(given.logger),
    strategy,
  }
  check(resolved)
  return resolved
}

const NUMBERS = [
  ['heartbeatSeconds', 0, 65_535],
  ['connectTimeoutMs', 1, 2 ** 31 - 1],
  ['publishTimeoutMs', 1, 2 ** 31 - 1],
  ['maxInFlight', 1, 65_535],
  ['maxBodyBytes', 1, 512 * 1024 * 1024],
] as const

function check(options: ResolvedOptions): void {
  const { namespace, queueType, topology, name } = options
  if (typeof namespace !== 'string' || !/^[\w.:-]{1,64}$/.test(namespace)) {
    throw invalidOption('namespace', 'up to 64 letters, digits and . : _ -', namespace)
  }
  if (!['quorum', 'classic'].includes(queueType)) throw invalidOption('queueType', "'quorum' or 'classic'", queueType)
  if (!['declare', 'trust'].includes(topology)) throw invalidOption('topology', "'declare' or 'trust'", topology)
  if (typeof name !== 'string' || name === '') throw invalidOption('name', 'a text', name)
  for (const [option, least, most] of NUMBERS) {
    const value = options[option]
    if (!Number.isInteger(value) || value < least || value > most) {
      throw invalidOption(option, `a whole number from ${least} to ${most}`, value)
    }
  }
}
