import { fstatSync, ReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { errorText, isDuequeError } from '../base/errors.js'
import type { ScheduleItem, ScheduleResult } from '../index.js'
import { CommandError, errorJson, EXIT } from './exit.js'
import { itemOfLine, type Fields } from './item.js'
import { linesOf, type Line } from './lines.js'
import { number } from './progress.js'
import type { Stop } from './stop.js'
import { STYLE_OF } from './styled.js'
import { plain, type Terminal } from './terminal.js'

export interface LineOptions {
  fields: Fields
  raw: boolean
  declare: boolean
}

export type LineItem = ScheduleItem & { line: number }

/**
 * Schedules a message for each line and tells what became of it, in the order in which it is known. Neither the input nor
 * the receipts are kept. When it has to stop it reads no more, and waits for what is on its way.
 *
 * @param schedule schedules items, and tells their outcomes
 * @returns the exit code
 */
export async function scheduleLines(
  schedule: (items: AsyncIterable<LineItem>) => AsyncIterable<ScheduleResult<LineItem>>,
  input: Readable,
  options: LineOptions,
  stop: Stop,
  terminal: Terminal,
): Promise<number> {
  const report = new Report(terminal, stop, sizeOf(input))
  if (stop.signal.aborted) input.destroy()
  else stop.signal.addEventListener('abort', () => input.destroy())
  let ended = false

  async function* items(): AsyncGenerator<LineItem> {
    try {
      for await (const line of linesOf(input)) {
        const item = itemOf(line, options)
        report.read(input)
        if (item instanceof Error) {
          await report.failed(line.number, item)
          continue
        }
        yield { ...item, line: line.number }
      }
      ended = true
      report.readAll()
    } catch (error) {
      // Destroying a stream makes its reader fail.
      if (stop.reason === undefined) await report.failed(undefined, new CommandError('INVALID_LINE', errorText(error)))
    }
  }

  for await (const { item, receipt, error } of schedule(items())) {
    const { line } = item
    await (receipt ? report.scheduled({ line, ...receipt }) : report.failed(line, error))
  }
  return report.end(ended)
}

function itemOf({ number: line, text, problem }: Line, { fields, raw, declare }: LineOptions): ScheduleItem | Error {
  if (text === undefined) return new CommandError('INVALID_LINE', problem ?? `line ${line}`)
  try {
    const item = itemOfLine(text, fields, raw)
    return { ...item, options: { ...item.options, declare } }
  } catch (error) {
    return isDuequeError(error) ? error : new CommandError('INVALID_LINE', errorText(error))
  }
}

/** The size of a file, also of one that standard input comes from. */
function sizeOf(input: Readable): number | undefined {
  if (!(input instanceof ReadStream)) return undefined
  const { path, fd } = input as unknown as { path?: string; fd: number }
  const found = path === undefined ? fstatSync(fd) : statSync(path)
  return found.isFile() && found.size > 0 ? found.size : undefined
}

class Report {
  readonly #terminal: Terminal
  readonly #stop: Stop
  readonly #bytes: number | undefined
  readonly #progress: ReturnType<Terminal['progress']>
  #read = 0
  /** The part of the input that was read, if its size is known. */
  #readShare: number | undefined
  #scheduled = 0
  #failed = 0

  constructor(terminal: Terminal, stop: Stop, bytes: number | undefined) {
    this.#terminal = terminal
    this.#stop = stop
    this.#bytes = bytes
    this.#progress = terminal.progress('scheduling', 'confirmed')
  }

  read(input: Readable): void {
    this.#read++
    this.#readShare = this.#bytes && input instanceof ReadStream ? input.bytesRead / this.#bytes : undefined
  }

  /** The last messages are on their way. */
  readAll(): void {
    this.#progress.phase('waiting for confirms')
  }

  async scheduled(receipt: object): Promise<void> {
    this.#scheduled++
    this.#showProgress()
    if (this.#terminal.json) await this.#print(receipt)
  }

  /** @param line undefined if it is the input as a whole that failed */
  async failed(line: number | undefined, error: Error): Promise<void> {
    this.#failed++
    this.#showProgress()
    const json = errorJson(error)
    if (this.#terminal.json) return this.#print({ line, error: json })
    const maybe = json.outcome === 'unknown' ? ' (it may wait all the same)' : ''
    const where = line === undefined ? 'input' : `line ${line}`
    this.#terminal.note(`${where}: ${plain(json.message)}${maybe}`, STYLE_OF.error)
  }

  async end(ended: boolean): Promise<number> {
    this.#progress.end()
    const { reason } = this.#stop
    if (!this.#terminal.json) {
      const failed = this.#failed > 0 ? `, ${number(this.#failed)} failed` : ''
      const stopped = ended || reason === undefined ? '' : `, then ${reason}: the rest of the input was not read`
      await this.#terminal.print(`${number(this.#scheduled)} scheduled${failed}${stopped}`)
    }
    if (!ended && (reason === 'SIGINT' || reason === 'SIGTERM')) return EXIT[reason]
    return this.#failed > 0 || !ended || reason === 'output closed' ? EXIT.partial : EXIT.ok
  }

  /** Many lines are read ahead of their confirms. */
  #showProgress(): void {
    const settled = (this.#scheduled + this.#failed) / this.#read
    this.#progress.update(this.#scheduled, this.#readShare === undefined ? undefined : this.#readShare * settled)
  }

  async #print(value: unknown): Promise<void> {
    if (!(await this.#terminal.printJson(value))) this.#stop.now('output closed')
  }
}
