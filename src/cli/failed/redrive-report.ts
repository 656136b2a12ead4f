import { isDuequeError, type DuequeError } from '../../base/errors.js'
import { destinationText } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { RedriveResult, RedriveSummary } from '../../operate/failed/redrive-failed.js'
import { CommandError, errorJson, EXIT, exitCodeOf } from '../exit.js'
import { number } from '../progress.js'
import type { Stop } from '../stop.js'
import { STYLE_OF } from '../styled.js'
import { plain, type Terminal } from '../terminal.js'
import { notFound } from './missing.js'

type Failure = DuequeError | CommandError

/** Texts that name the message itself must not fill the terminal. */
const MAX_TEXTS = 20

/** Shows the fate of each message of a redrive: as JSON one by one; for people as numbers, by the reason why they stay. */
export class RedriveReport {
  readonly #terminal: Terminal
  readonly #stop: Stop
  readonly #wantsBind: boolean
  readonly #dryRun: boolean
  readonly #progress: ReturnType<Terminal['progress']>
  #sent = 0
  readonly #left = new Map<string, { count: number; error: Failure }>()

  /**
   * @param wantsBind whether destinations have to be named with `--bind`
   * @param dryRun whether nothing is changed
   */
  constructor(
    terminal: Terminal,
    stop: Stop,
    { wantsBind, dryRun = false }: { wantsBind: boolean; dryRun?: boolean | undefined },
  ) {
    this.#terminal = terminal
    this.#stop = stop
    this.#wantsBind = wantsBind
    this.#dryRun = dryRun
    this.#progress = terminal.progress(dryRun ? 'looking' : 'sending on', dryRun ? 'messages' : 'confirmed')
  }

  progress(done: number, whole: number): void {
    this.#progress.update(this.#dryRun ? done : this.#sent, done / whole)
  }

  /** Those that were looked at and stay. */
  givingBack(): void {
    this.#progress.phase('giving the others back')
  }

  async add(result: RedriveResult): Promise<void> {
    const error = failureOf(result)
    if (error) this.#count(error)
    else this.#sent++
    if (!this.#terminal.json) return
    const document = 'sent' in result ? receipt(result.sent) : { id: result.id, error: errorJson(error) }
    const marked = this.#dryRun ? { ...document, dryRun: true } : document
    if (!(await this.#terminal.printJson(marked))) this.#stop.now('output closed')
  }

  /** @returns the exit code */
  async end({ queue, sent, left, missing, failure }: RedriveSummary): Promise<number> {
    this.#progress.end()
    const { reason } = this.#stop
    if (!this.#terminal.json) await this.#printNumbers(sent, left)
    if (missing.length > 0) this.#terminal.error(notFound(missing, queue))
    if (failure !== undefined) {
      this.#terminal.error(failure)
      return exitCodeOf(failure)
    }
    if (reason === 'SIGINT' || reason === 'SIGTERM') return EXIT[reason]
    if (this.#dryRun && reason === undefined) return EXIT.ok
    const [first] = this.#left.values()
    if (first && sent === 0) return exitCodeOf(first.error)
    return first || missing.length > 0 || reason !== undefined ? EXIT.partial : EXIT.ok
  }

  async #printNumbers(sent: number, left: number): Promise<void> {
    const { reason } = this.#stop
    const done = this.#dryRun ? 'would be sent on' : 'sent on'
    const stayed = left > 0 ? `, ${number(left)} left` : ''
    const stopped = reason === undefined ? '' : `, then ${reason}: the others were not looked at`
    await this.#terminal.print(`${number(sent)} ${done}${stayed}${stopped}`)
    for (const { count, error } of this.#left.values())
      this.#terminal.note(`${number(count)} left: ${why(error, this.#wantsBind)}`, STYLE_OF.warning)
  }

  #count(error: Failure): void {
    const known = this.#left.get(error.message)
    if (known) known.count++
    else if (this.#left.size < MAX_TEXTS) this.#left.set(error.message, { count: 1, error })
  }
}

function failureOf(result: RedriveResult): Failure | undefined {
  if ('sent' in result) return undefined
  if ('error' in result) return result.error
  return new CommandError('EXPIRED', 'of no use any more (dueque-expires): purge removes them')
}

function receipt({ id, name, revision, dueAt, destination }: DelayedMessage): object {
  return { id, name, revision, dueAt: new Date(dueAt).toISOString(), destination: destinationText(destination) }
}

function why(error: Failure, wantsBind: boolean): string {
  if (isDuequeError(error, 'NOT_BOUND')) {
    const bind = `--bind ${plain(error.data.destination.replace(/^outlet:/, 'queue:'))}`
    return `${plain(error.message)} (${bind} if they belong there; --management URL tells what is bound)`
  }
  if (!isDuequeError(error, 'DESTINATION_MISSING')) return plain(error.message)
  const { destination } = error.data
  if (destination === '') return `${error.message} (--to queue:NAME sends it there)`
  const mend = destination.startsWith('queue:')
    ? `declare it, or ${wantsBind ? `--bind ${plain(destination)} ` : ''}--declare, or --to another`
    : 'declare it, or --to another'
  return `${plain(destination)} does not exist (${mend})`
}
