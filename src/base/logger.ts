import console from 'node:console'
import { DuequeError, errorText, shown } from './errors.js'
import { onRejection } from './on-rejection.js'

/** Where dueque writes what operators need to know. Messages hold no payload and no password. */
export interface Logger {
  debug(message: string, data?: Record<string, unknown>): void
  info(message: string, data?: Record<string, unknown>): void
  warn(message: string, data?: Record<string, unknown>): void
  error(message: string, data?: Record<string, unknown>): void
}

/** The logger of NestJS: `log` instead of `info`. It gets the data as JSON, behind the message. */
export interface NestLogger {
  debug?(message: string, data?: Record<string, unknown>): void
  log(message: string, data?: Record<string, unknown>): void
  warn(message: string, data?: Record<string, unknown>): void
  error(message: string, data?: Record<string, unknown>): void
}

type Level = keyof Logger
type Data = Record<string, unknown>
/** Calls the user's logger. May throw, or return a promise that rejects. */
type Write = (level: Level, message: string, data: Data | undefined) => unknown

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

const ignore = () => undefined

export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/**
 * The logger to use: the given one, or standard error for warnings and errors. Its methods never throw, whatever the given
 * one does.
 *
 * @throws DuequeError `INVALID_OPTION` for a logger that lacks a method
 */
export function resolveLogger(given: Logger | NestLogger | false | undefined): Logger {
  if (given === false) return silent
  const write = given === undefined ? toStandardError : writeOf(given)
  const said = { isFailing: false }
  const guarded = (level: Level) => (message: string, data?: Data) => guard(() => write(level, message, data), said)
  return { debug: guarded('debug'), info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}

function writeOf(given: unknown): Write {
  const logger = given as Record<string, (...args: unknown[]) => unknown>
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function'
  const has = (method: string) => isObject && typeof logger[method] === 'function'
  if (!has('info') && has('log') && has('warn') && has('error')) {
    return (level, message, data) => {
      const method = level === 'info' ? 'log' : level
      return method === 'debug' && !has('debug') ? undefined : logger[method]!(lineOf(message, data))
    }
  }
  const missing = LEVELS.filter((level) => !has(level))
  if (missing.length > 0) {
    const got = isObject ? `one without ${missing.join(', ')}` : shown(given)
    const message = `logger: expected debug, info, warn and error (pino, winston, console), log, warn and error (NestJS), or false; got ${got}`
    throw new DuequeError('INVALID_OPTION', message, { option: 'logger' })
  }
  // pino takes the data first: https://getpino.io/#/docs/api?id=logging-method-parameters
  if (PINO in logger) return (level, message, data) => logger[level]!(data ?? {}, message)
  return (level, message, data) => (data ? logger[level]!(message, data) : logger[level]!(message))
}

/** On every logger of pino, whatever copy of it: https://getpino.io/#/docs/api?id=pino-symbols */
const PINO = Symbol.for('pino.serializers')

function guard(write: () => unknown, said: { isFailing: boolean }): void {
  const failed = (error: unknown) => {
    if (!said.isFailing) toStandardError('error', 'the logger failed', { error: errorText(error) })
    said.isFailing = true
  }
  try {
    onRejection(write(), failed)
  } catch (error) {
    failed(error)
  }
}

/** One line for each warning and error. A broken pipe does not matter. */
function toStandardError(level: Level, message: string, data: Data | undefined): void {
  if (level === 'warn' || level === 'error') console.error(`dueque ${level}: ${lineOf(message, data)}`)
}

function lineOf(message: string, data: Data | undefined): string {
  return data ? `${message} ${jsonOf(data)}` : message
}

/** Without characters that steer a terminal. */
function jsonOf(data: Data): string {
  const json = JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return json.replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}
