import { styleText } from 'node:util'
import type { StyledLine } from '../styled.js'
import { plain } from '../terminal.js'

interface Size {
  columns: number
  rows: number
  color: boolean
}

/** xterm: the alternate screen, the cursor, and lines that do not wrap. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'

/**
 * Text that draws lines over the lines before: each is overwritten and its rest cleared, so that nothing flickers. Lines are cut
 * at the right, and those below the last row are counted instead.
 */
export function paint(lines: readonly StyledLine[], { columns, rows, color }: Size): string {
  const more = lines.length - rows
  const shown: readonly StyledLine[] =
    more > 0 ? [...lines.slice(0, rows - 1), { text: `… ${more + 1} more lines`, style: 'dim' }] : lines
  const drawn = shown.map(({ text, style }) => {
    const cut = cutTo(plain(text), columns)
    const styled = color && style && cut !== '' ? styleText(style, cut, { validateStream: false }) : cut
    return `${styled}\x1b[K`
  })
  return `\x1b[H${drawn.join('\r\n')}\x1b[J`
}

function cutTo(text: string, columns: number): string {
  const characters = Array.from(text)
  return characters.length > columns ? `${characters.slice(0, columns - 1).join('')}…` : text
}

/** Draws again and again on the alternate screen of a terminal, and leaves it as it was. */
export class Screen {
  readonly #output: NodeJS.WriteStream
  readonly #color: boolean
  #lines: readonly StyledLine[] | undefined

  /** Undefined if standard output is no terminal that can be drawn on. */
  static of(output: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen | undefined {
    return output.isTTY && env['TERM'] !== 'dumb' ? new Screen(output, output.hasColors(env)) : undefined
  }

  private constructor(output: NodeJS.WriteStream, color: boolean) {
    this.#output = output
    this.#color = color
  }

  draw(lines: readonly StyledLine[]): void {
    if (!this.#lines) this.#enter()
    this.#lines = lines
    this.#paint()
  }

  /** May be called again. */
  leave(): void {
    if (!this.#lines) return
    this.#lines = undefined
    this.#output.write(LEAVE)
    this.#output.off('resize', this.#paint)
    process.off('exit', this.#onExit)
    process.off('SIGTSTP', this.#onSuspend)
    process.off('SIGCONT', this.#onResume)
  }

  #enter(): void {
    this.#output.write(ENTER)
    this.#output.on('resize', this.#paint)
    process.on('exit', this.#onExit)
    process.on('SIGTSTP', this.#onSuspend)
    process.on('SIGCONT', this.#onResume)
  }

  readonly #paint = () => {
    const { columns, rows } = this.#output
    if (this.#lines) this.#output.write(paint(this.#lines, { columns, rows, color: this.#color }))
  }

  readonly #onExit = () => this.leave()

  /** Ctrl-Z: the shell gets its screen, as SIGTSTP without a listener would stop the process. */
  readonly #onSuspend = () => {
    this.#output.write(LEAVE, () => process.kill(process.pid, 'SIGSTOP'))
  }

  readonly #onResume = () => {
    this.#output.write(ENTER)
    this.#paint()
  }
}
