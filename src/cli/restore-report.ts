import { counted } from '../base/counted.js'
import { isDuequeError, type DuequeError } from '../base/errors.js'
import { destinationText } from '../message/destination.js'
import type { RestoreResult } from '../operate/restore/restore-journal.js'
import type { RestoredDestination, RestorePlan } from '../operate/restore/restore-plan.js'
import { errorJson, EXIT, exitCodeOf } from './exit.js'
import { number } from './progress.js'
import type { Stop } from './stop.js'
import { STYLE_OF } from './styled.js'
import { tableOf, type Column } from './table.js'
import { plain, type Terminal } from './terminal.js'
import type { Times } from './terminal-times.js'

const OVERDUE = [
  'of them is due by now: it is delivered at once',
  'of them are due by now: they are delivered at once',
] as const

/** Shows the plan of a restore, then its progress and its outcome. */
export class RestoreReport {
  readonly #terminal: Terminal
  readonly #stop: Stop
  readonly #execute: boolean
  readonly #isNow: boolean
  #progress: ReturnType<Terminal['progress']>
  /** By the error's text. */
  readonly #failures = new Map<string, number>()

  /** @param isNow whether no instant of the loss was given */
  constructor(terminal: Terminal, stop: Stop, { execute, isNow }: { execute: boolean; isNow: boolean }) {
    this.#terminal = terminal
    this.#stop = stop
    this.#execute = execute
    this.#isNow = isNow
    this.#progress = terminal.progress('reading the journal', 'records')
  }

  read(read: number, whole: number | undefined): void {
    this.#progress.update(read, whole === undefined ? undefined : read / whole)
  }

  async plan(plan: RestorePlan): Promise<void> {
    this.#progress.end()
    const { json, times } = this.#terminal
    if (!json) for (const line of planLines(plan, times, this.#isNow)) await this.#terminal.print(line)
    this.#progress = this.#terminal.progress('restoring', 'confirmed')
  }

  progress(done: number, whole: number): void {
    this.#progress.update(done, done / whole)
  }

  async failed(id: string, error: DuequeError): Promise<void> {
    this.#failures.set(error.message, (this.#failures.get(error.message) ?? 0) + 1)
    if (this.#terminal.json) await this.#terminal.printJson({ id, error: errorJson(error) })
  }

  /** @returns the exit code */
  async end(work: Promise<RestoreResult>): Promise<number> {
    try {
      return await this.#ended(await work)
    } catch (error) {
      const { reason } = this.#stop
      // While it read.
      if (isDuequeError(error, 'CLOSED') && (reason === 'SIGINT' || reason === 'SIGTERM')) return EXIT[reason]
      throw error
    } finally {
      this.#progress.end()
    }
  }

  async #ended(result: RestoreResult): Promise<number> {
    this.#progress.end()
    const { plan, failed, left, failure } = result
    const { reason } = this.#stop
    if (this.#terminal.json) await this.#terminal.printJson(resultJson(result, this.#execute))
    else if (this.#execute) await this.#terminal.print(countsText(result))
    else this.#terminal.note(plan.messages > 0 ? 'nothing was changed: --yes schedules them' : 'nothing was changed')
    if (!this.#terminal.json) for (const text of this.#problems(plan)) this.#terminal.note(text, STYLE_OF.error)
    if (failure !== undefined) {
      this.#terminal.error(failure)
      return exitCodeOf(failure)
    }
    if (reason === 'SIGINT' || reason === 'SIGTERM') return EXIT[reason]
    const isWhole = failed === 0 && left === 0 && plan.skipped.withoutBody === 0
    return isWhole || !this.#execute ? EXIT.ok : EXIT.partial
  }

  #problems({ skipped: { withoutBody } }: RestorePlan): string[] {
    const failures = [...this.#failures].map(([text, count]) => `${number(count)} failed: ${plain(text)}`)
    const hasBodiless = this.#execute && withoutBody > 0
    return hasBodiless
      ? [...failures, `${number(withoutBody)} cannot be restored: their records have no body`]
      : failures
  }
}

const COLUMNS: readonly Column<RestoredDestination>[] = [
  ['destination', ({ destination }) => destinationText(destination)],
  ['messages', ({ messages }) => messages],
  ['first', ({ from }) => from],
  ['last', ({ to }) => to],
  ['', ({ exists }) => (exists ? '' : 'is missing')],
]

/** @param isNow whether no instant of the loss was given: a repetition has to name this one */
export function planLines(plan: RestorePlan, times: Times, isNow = false): string[] {
  const { lostAt, messages, overdue, from, to, destinations, justBefore, isOwn } = plan
  const range = from && to ? `, ready from ${times.when(from)} to ${times.when(to)}` : ''
  const lines = [`${counted(messages, 'message', 'messages', number)} to restore${range}`]
  if (overdue > 0) lines.push(counted(overdue, ...OVERDUE, number))
  if (destinations.length > 0) lines.push('', tableOf(destinations, COLUMNS, times), '')
  lines.push(`skipped: ${skippedText(plan.skipped)}`)
  if (justBefore > 0)
    lines.push(
      `up to ${counted(justBefore, 'message was', 'messages were', number)} ready in the hour before ${lostAt.toISOString()} and count as delivered (--lost-at, if they were lost)`,
    )
  if (isOwn && messages > 0)
    lines.push('the journal is that of the target: messages that RabbitMQ still has are delivered twice')
  if (isNow && messages > 0)
    lines.push(`--yes needs --lost-at, the instant of the loss: messages that were due before count as delivered`)
  return lines
}

function skippedText({ cancelled, refused, present, withoutBody }: RestorePlan['skipped']): string {
  const parts = [
    `${number(cancelled)} cancelled`,
    `${number(refused)} refused`,
    `${number(present)} in the target's journal`,
    `${number(withoutBody)} without a body`,
  ]
  return parts.join(', ')
}

function countsText({ restored, failed, left }: RestoreResult): string {
  const rest = left > 0 ? `, ${number(left)} left: repeat it` : ''
  return `${number(restored)} restored, ${number(failed)} failed${rest}`
}

function resultJson({ plan, restored, failed, left }: RestoreResult, executed: boolean): object {
  const destinations = plan.destinations.map((one) => ({ ...one, destination: destinationText(one.destination) }))
  return { executed, ...plan, destinations, restored, failed, left }
}
