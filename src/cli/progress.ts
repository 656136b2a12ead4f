const WIDTH = 24
const EVERY_MS = 100

/** A bar on standard error: the phase of the work, how far, how many, how fast. Writes nothing if `shown` is false. */
export class Progress {
  #phase: string
  #unit: string
  readonly #shown: boolean
  #startedAt = performance.now()
  #drawnAt = 0
  #line = ''
  #count = 0
  #share: number | undefined

  /** @param unit of the counts, such as `confirmed` */
  constructor(phase: string, unit: string, shown: boolean) {
    this.#phase = phase
    this.#unit = unit
    this.#shown = shown
  }

  /** @param share of the whole work, 0 to 1; undefined if the end cannot be foreseen */
  update(count: number, share?: number): void {
    this.#count = count
    this.#share = share
    const now = performance.now()
    if (!this.#shown || now - this.#drawnAt < EVERY_MS) return
    this.#drawnAt = now
    this.#draw()
  }

  /** The work goes on with something else. @param unit of its counts, if they are others: these begin anew */
  phase(phase: string, unit = this.#unit): void {
    if (phase === this.#phase) return
    if (unit !== this.#unit) [this.#count, this.#share, this.#startedAt] = [0, undefined, performance.now()]
    this.#phase = phase
    this.#unit = unit
    if (this.#shown && this.#line !== '') this.#draw()
  }

  /** Writes a line above the bar. */
  above(text: string): void {
    process.stderr.write(this.#line === '' ? text : `\r\x1b[K${text}${this.#line}`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#line !== '') process.stderr.write('\r\x1b[K')
    this.#line = ''
    this.#drawnAt = Infinity
  }

  #draw(): void {
    const seconds = (performance.now() - this.#startedAt) / 1000
    const rate = Math.round(this.#count / Math.max(seconds, 0.001))
    this.#line = `${this.#phase}  ${bar(this.#share)}${number(this.#count)} ${this.#unit}  ${number(rate)}/s`
    process.stderr.write(`\r\x1b[K${this.#line}`)
  }
}

/** The same digits in every locale. */
export function number(value: number): string {
  return value.toLocaleString('en')
}

function bar(share: number | undefined): string {
  if (share === undefined) return ''
  const full = Math.round(Math.min(share, 1) * WIDTH)
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.floor(Math.min(share, 1) * 100)).padStart(3)} %  `
}
