/** Values that many entries share, each kept once and known by a number as long as an entry uses it. */
export class Interned<T> {
  readonly #numbers = new Map<string, number>()
  readonly #values: (T | undefined)[] = []
  readonly #texts: string[] = []
  readonly #uses: number[] = []
  readonly #free: number[] = []

  /** How many different values there are. */
  get size(): number {
    return this.#numbers.size
  }

  /** The number of the value with this text, for one more use. @param make called for a text that is new */
  use(text: string, make: () => T): number {
    const known = this.#numbers.get(text)
    const number = known ?? this.#free.pop() ?? this.#values.length
    if (known === undefined) {
      this.#numbers.set(text, number)
      this.#values[number] = make()
      this.#texts[number] = text
      this.#uses[number] = 0
    }
    this.#uses[number]!++
    return number
  }

  /** One use less. */
  release(number: number): void {
    if (--this.#uses[number]! > 0) return
    this.#numbers.delete(this.#texts[number]!)
    this.#values[number] = undefined
    this.#texts[number] = ''
    this.#free.push(number)
  }

  at(number: number): T {
    return this.#values[number]!
  }

  numberOf(text: string): number | undefined {
    return this.#numbers.get(text)
  }

  /** The numbers of the values that fit. */
  matching(fits: (value: T) => boolean): ReadonlySet<number> {
    return new Set([...this.#numbers.values()].filter((number) => fits(this.#values[number]!)))
  }
}
