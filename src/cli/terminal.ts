import { SHOWN_CHARACTERS } from '../base/errors.js'
import type { Logger } from '../index.js'
import { errorJson } from './exit.js'
import type { OnProgress } from '../operate/operator-settings.js'
import { Progress } from './progress.js'
import { styled, STYLE_OF, type Style, type StyledLine } from './styled.js'
import { localTimes, utcTimes, type Times } from './terminal-times.js'

/** Where a command writes: results to standard output, everything else to standard error. */
export class Terminal {
  readonly json: boolean
  readonly times: Times
  #progress: Progress | undefined
  #closed: (() => void) | undefined

  /** @param utc whether instants are in UTC in a terminal, too */
  constructor({ json, utc = false }: { json: boolean; utc?: boolean }) {
    this.json = json
    this.times = json || utc || !process.stdout.isTTY ? utcTimes : localTimes()
    // The write's own callback reports a closed pipe; without a listener it would throw.
    process.stdout.on('error', () => this.#closed?.())
    process.stderr.on('error', () => undefined)
  }

  /** Calls `listener` when the reader of our output has gone, as in `dueque … | head`. */
  onClosed(listener: () => void): void {
    this.#closed = listener
  }

  /** Resolves when the line is written; to `false` if its reader has gone. */
  print(line: string): Promise<boolean> {
    return this.printLines([{ text: line }])
  }

  /** The same for several lines, with colours where there are some. */
  printLines(lines: readonly StyledLine[]): Promise<boolean> {
    const texts = lines.map(({ text, style }) => `${styled({ text: harmless(text), style }, process.stdout)}\n`)
    return new Promise((resolve) => process.stdout.write(texts.join(''), (error) => resolve(!error)))
  }

  printJson(value: unknown): Promise<boolean> {
    return this.print(jsonText(value))
  }

  error(error: unknown): void {
    const { code, message, outcome } = errorJson(error)
    const maybe = outcome === 'unknown' ? ' (the message may wait all the same)' : ''
    if (this.json) this.note(jsonText({ error: { code, message, outcome } }))
    else this.note(`error: ${plain(message)}${maybe}`, STYLE_OF.error)
  }

  warn(message: string, data: Record<string, unknown> = {}): void {
    const details = Object.entries(data).map(([name, value]) => `${name}: ${plain(String(value))}`)
    if (this.json) this.note(jsonText({ warning: { message, ...data } }))
    else
      this.note(`warning: ${plain(message)}${details.length > 0 ? ` (${details.join(', ')})` : ''}`, STYLE_OF.warning)
  }

  /** A line for the person in front of the terminal. */
  note(line: string, style?: Style): void {
    const text = `${styled({ text: harmless(withoutUrls(line)), style }, process.stderr)}\n`
    if (this.#progress) this.#progress.above(text)
    else process.stderr.write(text)
  }

  /** Shows how far long work is, if a terminal is attached that nothing else is printed on. */
  progress(phase: string, unit: string): Progress {
    this.#progress?.end()
    this.#progress = new Progress(phase, unit, process.stderr.isTTY && !(this.json && process.stdout.isTTY))
    return this.#progress
  }

  /** Shows how far a long work is, and takes the bar away when it ends. */
  async tracking<T>(phase: string, unit: string, work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
    const progress = this.progress(phase, unit)
    try {
      return await work((done, whole) => progress.update(done, done / whole))
    } finally {
      progress.end()
    }
  }

  /** Takes the warnings and errors of the library. */
  get logger(): Logger {
    const ignore = () => undefined
    const warn = (message: string, data?: Record<string, unknown>) => this.warn(message, data)
    return { debug: ignore, info: ignore, warn, error: warn }
  }
}

/** Characters that steer a terminal, or show a text in another order. */
const STEERING = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu
/** The steering characters that `JSON.stringify` does not escape. */
const STEERING_IN_JSON = /[\x7f-\x9f\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** A foreign text must not steer the terminal: control characters are shown as `\x1b`, `\u202e` and the like. */
export function plain(text: string): string {
  return text.replace(STEERING, escaped)
}

/** For whole lines, in case a text in them was not made plain. */
function harmless(lines: string): string {
  return lines.replace(STEERING, (char) => (char === '\n' || char === '\t' ? char : escaped(char)))
}

/** The same value for programs that read the JSON, and harmless for people who look at it. */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(STEERING_IN_JSON, (char) => `\\u${hex(char, 4)}`)
}

function escaped(char: string): string {
  return char <= '\xff' ? `\\x${hex(char, 2)}` : `\\u${hex(char, 4)}`
}

function hex(char: string, digits: number): string {
  return char.charCodeAt(0).toString(16).padStart(digits, '0')
}

/** Errors quote wrong arguments, and a misspelt one may hold a URL with its password, anywhere in it. */
function withoutUrls(text: string): string {
  const withoutWhole = urls.reduce((rest, url) => rest.replaceAll(url, '(a URL)'), text)
  return credentials.reduce((rest, part) => rest.replaceAll(part, '//…@'), withoutWhole)
}

const URLS = ['AMQP_URL', 'RABBITMQ_MANAGEMENT_URL', 'DUEQUE_REDIS_URL', 'DUEQUE_POSTGRES_URL']
const args = process.argv.slice(2)
const given = [...args, ...URLS.map((name) => process.env[name])]
const credentials = given.flatMap((one) => one?.match(/\/\/[^\s/]*@/g) ?? [])
/** Each URL also as a JSON text quotes it, and as errors cut it. The longest come first, because they may hold others. */
const urls = args
  .flatMap((one) => [one, one.slice(0, SHOWN_CHARACTERS)])
  .flatMap((one) => one.match(/[a-z][\w+.-]*:\/\/.+/is) ?? [])
  .flatMap((url) => [url, JSON.stringify(url).slice(1, -1), plain(url)])
  .sort((one, other) => other.length - one.length)
