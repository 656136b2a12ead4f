import type { StorageQueue, Stored } from '../../operate/failed/failed-queue.js'
import { destinationText } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import { CommandError, errorJson, EXIT, exitCodeOf } from '../exit.js'
import { number } from '../progress.js'
import type { Stop } from '../stop.js'
import { idOf, notFound } from './storage.js'
import { plain, type Terminal } from '../terminal.js'

type Failure = DuequeError | CommandError

/** What becomes of each message of a redrive: as JSON one by one, for people in numbers, by what keeps them. */
export class RedriveReport {
  readonly #terminal: Terminal
  readonly #stop: Stop
  readonly #whole: number
  readonly #wantsBind: boolean
  readonly #progress: ReturnType<Terminal['progress']>
  readonly #left = new Map<string, { count: number; error: Failure }>()
  #sent = 0
  #stayed = 0
  #broken: unknown

  /**
   * @param expected.whole how many there are to be settled, at most
   * @param expected.wantsBind whether destinations must be named with `--bind`
   */
  constructor(terminal: Terminal, stop: Stop, { whole, wantsBind }: { whole: number; wantsBind: boolean }) {
    this.#terminal = terminal
    this.#stop = stop
    this.#whole = whole
    this.#wantsBind = wantsBind
    this.#progress = terminal.progress('sending on', 'messages')
  }

  /** It stays, because consumers would give it up again. */
  expired(stored: Stored): void {
    const error = new CommandError('EXPIRED', 'of no use any more (dueque-expires): purge removes them')
    this.#stays(error)
    if (this.#terminal.json) void this.#terminal.printJson({ id: idOf(stored), error: errorJson(error) })
  }

  async settled(stored: Stored, outcome: DelayedMessage | DuequeError): Promise<void> {
    const error = outcome instanceof DuequeError ? outcome : undefined
    if (error) this.#stays(error)
    else this.#sent++
    const done = this.#sent + this.#stayed
    this.#progress.update(done, done / this.#whole)
    if (!this.#terminal.json) return
    const document = outcome instanceof DuequeError ? { id: idOf(stored), error: errorJson(error) } : receipt(outcome)
    if (!(await this.#terminal.printJson(document))) this.#stop.now('output closed')
  }

  /** It had to end, for a reason that is no message's own. */
  broken(error: unknown): void {
    this.#broken = error
  }

  /** @returns the exit code */
  async end(missing: readonly string[], { name }: StorageQueue): Promise<number> {
    this.#progress.end()
    const { reason } = this.#stop
    if (!this.#terminal.json) {
      const left = this.#stayed > 0 ? `, ${number(this.#stayed)} left` : ''
      const stopped = reason === undefined ? '' : `, then ${reason}: the others were not looked at`
      await this.#terminal.print(`${number(this.#sent)} sent on${left}${stopped}`)
      for (const { count, error } of this.#left.values())
        this.#terminal.note(`${number(count)} left: ${why(error, this.#wantsBind)}`)
    }
    if (missing.length > 0) this.#terminal.error(notFound(missing, name))
    if (this.#broken !== undefined) {
      this.#terminal.error(this.#broken)
      return exitCodeOf(this.#broken)
    }
    if (reason === 'SIGINT' || reason === 'SIGTERM') return EXIT[reason]
    return this.#code(missing.length > 0 || reason !== undefined)
  }

  #code(incomplete: boolean): number {
    const [first] = this.#left.values()
    if (first && this.#sent === 0) return exitCodeOf(first.error)
    return first || incomplete ? EXIT.partial : EXIT.ok
  }

  #stays(error: Failure): void {
    this.#stayed++
    const known = this.#left.get(error.message)
    if (known) known.count++
    // Texts that name the message itself must not fill the terminal.
    else if (this.#left.size < 20) this.#left.set(error.message, { count: 1, error })
  }
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
