import { isDate } from 'node:util/types'
import { aFunction, anAbortSignal, flag, group, type Rule, type Rules } from '../../base/checks.js'
import { invalidOption, type DuequeError } from '../../base/errors.js'
import { assertDeclares } from '../../amqp/topology/declare-rules.js'
import { CONNECT_RULES, type ConnectOptions } from '../../options.js'
import { ladder } from '../../strategies/ladder/ladder.js'
import type { Strategy } from '../../strategies/strategy.js'
import { operatorSettings, type OnProgress, type OperatorOptions, type OperatorSettings } from '../operator-settings.js'
import type { RestorePlan } from './restore-plan.js'

/** Options of `connect` for the source alone. */
export type RestoreSource = Pick<ConnectOptions, 'url' | 'namespace' | 'tls'>

/** The options of `connect` are those of the target: the broker and namespace that get the messages. */
export interface RestoreOptions extends OperatorOptions {
  /**
   * The journal to restore from, with its cancellations, or copies of both. A missing field is as at the target.
   * @default the journal of the target
   */
  from?: RestoreSource | undefined
  /**
   * When the messages were lost: those are restored that waited at this instant. Required with `execute`: the messages that
   * became due since would otherwise count as delivered.
   * @default now
   */
  lostAt?: Date | undefined
  /** Schedules the messages. Without it, nothing is sent and nothing declared. @default false */
  execute?: boolean | undefined
  /** Declares missing queues that messages go to. @default false */
  declare?: boolean | undefined
  /** Messages a second at most. @default no limit */
  ratePerSecond?: number | undefined
  /** Ends it after the messages that are under way. */
  signal?: AbortSignal | undefined
  /** Called before the first message is sent, or instead. */
  onPlan?: ((plan: RestorePlan) => void | Promise<void>) | undefined
  /** Records that were read so far, of about how many. */
  onRead?: ((read: number, whole: number | undefined) => void) | undefined
  /** Messages that are settled, of how many. */
  onProgress?: OnProgress | undefined
  /** Called with each message that could not be scheduled. */
  onFailed?: ((id: string, error: DuequeError) => void | Promise<void>) | undefined
  /** RabbitMQ takes no messages for now. */
  onBlocked?: ((reason: string) => void) | undefined
  onError?: ((error: Error) => void) | undefined
}

/** Checked, with defaults. */
export interface RestoreSettings extends Omit<RestoreOptions, keyof OperatorOptions | 'from' | 'lostAt' | 'execute'> {
  readonly target: OperatorSettings
  readonly source: OperatorSettings
  readonly strategy: Strategy
  /** Whether the source is the target. */
  readonly isOwn: boolean
  /** In milliseconds since the epoch. */
  readonly lostAt: { readonly at: number; readonly isGiven: boolean }
  readonly signal: AbortSignal
}

const aDate: Rule = (value) => (isDate(value) && !Number.isNaN(value.getTime()) ? undefined : 'a Date')
const aRate: Rule = (value) =>
  typeof value === 'number' && value > 0 ? undefined : 'messages a second, more than zero'

const RULES: Rules<Omit<RestoreOptions, keyof OperatorOptions>> = {
  from: group({ url: CONNECT_RULES.url, namespace: CONNECT_RULES.namespace, tls: CONNECT_RULES.tls }),
  lostAt: aDate,
  execute: flag,
  declare: flag,
  ratePerSecond: aRate,
  onPlan: aFunction,
  onRead: aFunction,
  onProgress: aFunction,
  onFailed: aFunction,
  onBlocked: aFunction,
  onError: aFunction,
}

/** @throws DuequeError `INVALID_OPTION` */
export function restoreSettings(options: RestoreOptions): RestoreSettings {
  const target = operatorSettings(options, { ...RULES, signal: anAbortSignal })
  const { from = {}, lostAt, declare, ratePerSecond, strategy = ladder({ journal: true }) } = options
  if (options.execute && lostAt === undefined)
    throw invalidOption('lostAt', 'with execute, the instant at which the messages were lost', lostAt)
  const { onRead, onProgress, onFailed, onBlocked, onError, signal = new AbortController().signal } = options
  if (declare) assertDeclares(target.topology)
  if (!strategy.journal)
    throw invalidOption('strategy', 'one with a journal, such as ladder({ journal: true })', strategy.name)
  const { url = options.url, namespace = options.namespace, tls = options.tls } = from
  const source = operatorSettings({ ...connectionOf(options), url, namespace, tls })
  return {
    ...{ target, source, strategy, isOwn: isSame(source, target) },
    lostAt: instantOf(lostAt, target.clock.now()),
    ...{ declare, ratePerSecond, signal, onRead, onProgress, onFailed, onBlocked, onError },
  }
}

/** The options that do not say which broker. */
function connectionOf({ name, heartbeatSeconds, connectTimeoutMs, publishTimeoutMs, logger }: RestoreOptions) {
  return { name, heartbeatSeconds, connectTimeoutMs, publishTimeoutMs, logger }
}

function isSame(one: OperatorSettings, other: OperatorSettings): boolean {
  const [a, b] = [one.endpoints[0]!, other.endpoints[0]!]
  return a.host === b.host && a.vhost === b.vhost && one.namespace === other.namespace
}

function instantOf(lostAt: Date | undefined, now: number): RestoreSettings['lostAt'] {
  if (lostAt === undefined) return { at: now, isGiven: false }
  if (lostAt.getTime() <= now) return { at: lostAt.getTime(), isGiven: true }
  throw invalidOption('lostAt', 'an instant that is past', lostAt)
}
