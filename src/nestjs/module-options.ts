import type { FactoryProvider, ModuleMetadata } from '@nestjs/common'
import {
  aFunction,
  anything,
  checkOptions,
  flag,
  milliseconds,
  nonEmptyText,
  type Rule,
  type Rules,
} from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import type { Dueque, StrategyMethods } from '../dueque.js'
import { CONNECT_RULES, type ConnectOptions } from '../options.js'
import type { LadderStrategy } from '../strategies/ladder/ladder.js'
import type { Strategy } from '../strategies/strategy.js'
import { DEFAULT_CONNECTION } from './inject-dueque.js'

/** What `@InjectDueque()` injects: a connection with the methods of its strategy. */
export type DuequeConnection<S extends Strategy = LadderStrategy> = Dueque<S> & StrategyMethods<S>

/** The options of `connect`, and how the application uses the connection. */
export interface DuequeModuleOptions extends Omit<ConnectOptions, 'name'> {
  /** The name of this connection, if the application has several. @default 'default' */
  name?: string | undefined
  /** How the connections show in the management UI: the option `name` of `connect`. */
  connectionName?: string | undefined
  /**
   * An open connection to use, instead of opening one: then no option of `connect` may stand beside it. The application does
   * not close it.
   */
  connection?: Dueque | undefined
  /** Whether this process receives messages. `false`: the methods with `@OnMessage` are checked, and not used. @default true */
  consume?: boolean | undefined
  /**
   * How many milliseconds a shutdown waits for running handlers, and after them for schedules that are under way.
   * @default 30_000
   */
  drainTimeoutMs?: number | undefined
}

/** As {@link DuequeModuleOptions}, from a factory. */
export interface DuequeModuleAsyncOptions {
  /** The name of this connection, if the application has several. @default 'default' */
  name?: string | undefined
  /** Modules that export what `inject` names. */
  imports?: ModuleMetadata['imports'] | undefined
  /** Tokens of the arguments of `useFactory`. */
  inject?: FactoryProvider['inject'] | undefined
  /** The options of the connection, without its name. */
  useFactory: FactoryProvider<Omit<DuequeModuleOptions, 'name'>>['useFactory']
}

/** Checked options. */
export interface ModuleSettings {
  readonly name: string
  /** A connection of somebody else's. */
  readonly connection: Dueque | undefined
  readonly connect: ConnectOptions
  readonly consume: boolean
  readonly drainTimeoutMs: number
}

const aConnection: Rule = (value) => {
  const { consume, schedule } = Object(value) as Partial<Dueque>
  return typeof consume === 'function' && typeof schedule === 'function' ? undefined : 'what connect has returned'
}

const { name: _, ...CONNECTION_RULES } = CONNECT_RULES

const MODULE_RULES: Rules<DuequeModuleOptions> = {
  ...CONNECTION_RULES,
  name: nonEmptyText,
  connectionName: nonEmptyText,
  connection: aConnection,
  consume: flag,
  drainTimeoutMs: milliseconds,
}

/** @throws DuequeError `INVALID_OPTION` */
export function resolveModule(options: DuequeModuleOptions): ModuleSettings {
  checkOptions(options, MODULE_RULES)
  const {
    name = DEFAULT_CONNECTION,
    connectionName,
    connection,
    consume = true,
    drainTimeoutMs = 30_000,
    ...rest
  } = options
  const connect = { ...rest, ...(connectionName !== undefined && { name: connectionName }) }
  const beside = Object.entries(connect).find(([, value]) => value !== undefined)
  if (connection && beside) throw invalidOption(beside[0], 'none beside connection, which is open', beside[1])
  return { name, connection, connect, consume, drainTimeoutMs }
}

const ASYNC_RULES: Rules<DuequeModuleAsyncOptions> = {
  name: nonEmptyText,
  imports: anything,
  inject: anything,
  useFactory: aFunction,
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkModuleAsync(options: DuequeModuleAsyncOptions): void {
  checkOptions(options, ASYNC_RULES)
  if (options.useFactory === undefined) throw invalidOption('useFactory', 'a function', options.useFactory)
}

/** @throws DuequeError `INVALID_OPTION` */
export function resolveFactory(options: unknown, name: string | undefined): ModuleSettings {
  const settings = resolveModule(options as DuequeModuleOptions)
  const { name: given } = options as DuequeModuleOptions
  if (given !== undefined) throw invalidOption('name', 'none from useFactory: give it to forRootAsync', given)
  return { ...settings, name: name ?? DEFAULT_CONNECTION }
}
