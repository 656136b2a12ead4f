import type { Logger } from '../index.js'
import { errorJson } from './exit.js'
import { Progress } from './progress.js'

/** Where a command writes: results to standard output, everything else to standard error. */
export class Terminal {
  readonly json: boolean
  #progress: Progress | undefined
  #closed: (() => void) | undefined

  constructor({ json }: { json: boolean }) {
    this.json = json
    // A closed pipe is told by the write's own callback; without a listener it would throw.
    process.stdout.on('error', () => this.#closed?.())
    process.stderr.on('error', () => undefined)
  }

  /** Whoever read our output has gone, as in `dueque … | head`. */
  onClosed(listener: () => void): void {
    this.#closed = listener
  }

  /** Resolves once the line is written; to `false` if nobody reads any more. */
  print(line: string): Promise<boolean> {
    return new Promise((resolve) => process.stdout.write(`${line}\n`, (error) => resolve(!error)))
  }

  printJson(value: unknown): Promise<boolean> {
    return this.print(JSON.stringify(value))
  }

  error(error: unknown): void {
    const { code, message, outcome } = errorJson(error)
    const maybe = outcome === 'unknown' ? ' (the message may wait all the same)' : ''
    this.note(this.json ? JSON.stringify({ error: { code, message, outcome } }) : `error: ${plain(message)}${maybe}`)
  }

  warn(message: string, data: Record<string, unknown> = {}): void {
    const details = Object.entries(data).map(([name, value]) => `${name}: ${plain(String(value))}`)
    if (this.json) this.note(JSON.stringify({ warning: { message, ...data } }))
    else this.note(`warning: ${plain(message)}${details.length > 0 ? ` (${details.join(', ')})` : ''}`)
  }

  /** A line for the person in front of the terminal. */
  note(line: string): void {
    const text = `${withoutPasswords(line)}\n`
    if (this.#progress) this.#progress.above(text)
    else process.stderr.write(text)
  }

  /** Shows how far long work is, if a terminal is attached that nothing else is printed on. */
  progress(label: string, unit: string): Progress {
    this.#progress?.end()
    this.#progress = new Progress(label, unit, process.stderr.isTTY && !(this.json && process.stdout.isTTY))
    return this.#progress
  }

  /** What the library tells an operator. */
  get logger(): Logger {
    const ignore = () => undefined
    const warn = (message: string, data?: Record<string, unknown>) => this.warn(message, data)
    return { debug: ignore, info: ignore, warn, error: warn }
  }
}

/** A foreign text must not steer the terminal: control characters are shown as `\x1b` and the like. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Arguments are quoted back when they are wrong, and a misspelt one may hold a URL with its password. */
function withoutPasswords(text: string): string {
  return credentials.reduce((rest, part) => rest.replaceAll(part, '//…@'), text)
}

const URLS = ['AMQP_URL', 'RABBITMQ_MANAGEMENT_URL', 'DUEQUE_REDIS_URL']
const given = [...process.argv.slice(2), ...URLS.map((name) => process.env[name])]
const credentials = given.flatMap((one) => one?.match(/\/\/[^\s/]*@/g) ?? [])
