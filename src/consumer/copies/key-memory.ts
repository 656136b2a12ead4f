import { FINGERPRINT_WORDS as WORDS, type Fingerprint } from '../../base/fingerprint.js'

/** Powers of two, as all sizes are. */
const LEAST_CAPACITY = 16
/**
 * A queue with more keys than this is busy. It gets room for all keys at once that it may remember, up to the second
 * number, since growing later takes some milliseconds.
 */
const BUSY_CAPACITY = 2 ** 12
const MOST_AT_ONCE = 2 ** 17

/**
 * Remembers keys, each with a time, in the order of adding. They are kept as fingerprints in typed arrays, 32 bytes for
 * each that there is room for: a hundred thousand strings that live for minutes keep the garbage collector busy, and every
 * handler waiting. See docs/decisions/029-settled-keys-live-outside-the-heap.md.
 */
export class KeyMemory {
  readonly #expected: number
  #capacity = 0
  /** A ring of slots, the oldest first, at {@link #head}: a fingerprint and a time each. */
  #prints = new Int32Array(0)
  #times = new Float64Array(0)
  #head = 0
  #size = 0
  /** A hash table with linear probing, at most half full: a slot + 1 each, 0 for none. */
  #index = new Int32Array(0)

  /** @param expected at most so many keys, as far as is known */
  constructor(expected = 0) {
    this.#expected = Math.min(expected, MOST_AT_ONCE)
    this.#resize(LEAST_CAPACITY)
  }

  get size(): number {
    return this.#size
  }

  /** Of the oldest. */
  get oldestAt(): number | undefined {
    return this.#size === 0 ? undefined : this.#times[this.#head]
  }

  has(print: Fingerprint): boolean {
    for (let place = this.#homeOf(print[0]!); this.#index[place] !== 0; place = this.#after(place)) {
      if (this.#isIn(this.#index[place]! - 1, print)) return true
    }
    return false
  }

  /** @param print that it does not have */
  add(print: Fingerprint, at: number): void {
    if (this.#size === this.#capacity) this.#resize(this.#larger())
    const slot = (this.#head + this.#size) & (this.#capacity - 1)
    this.#prints.set(print, slot * WORDS)
    this.#times[slot] = at
    this.#enter(slot)
    this.#size++
  }

  /** Gives back the memory that is not needed. */
  compact(): void {
    const capacity = powerOfTwo(Math.max(this.#size, LEAST_CAPACITY))
    if (capacity < this.#capacity) this.#resize(capacity)
  }

  forgetOldest(): void {
    if (this.#size === 0) return
    this.#vacate(this.#head)
    this.#head = (this.#head + 1) & (this.#capacity - 1)
    this.#size--
  }

  #larger(): number {
    if (this.#capacity < BUSY_CAPACITY) return this.#capacity * 4
    return Math.max(this.#capacity * 2, powerOfTwo(this.#expected))
  }

  #homeOf(word: number): number {
    return word & (this.#index.length - 1)
  }

  #homeOfSlot(slot: number): number {
    return this.#homeOf(this.#prints[slot * WORDS]!)
  }

  #after(place: number): number {
    return (place + 1) & (this.#index.length - 1)
  }

  #isIn(slot: number, print: Fingerprint): boolean {
    for (let word = 0; word < WORDS; word++) if (this.#prints[slot * WORDS + word] !== print[word]) return false
    return true
  }

  #enter(slot: number): void {
    let place = this.#homeOfSlot(slot)
    while (this.#index[place] !== 0) place = this.#after(place)
    this.#index[place] = slot + 1
  }

  /** Takes a slot out of the index, and moves up what would not be found behind the gap. Knuth, 6.4, algorithm R. */
  #vacate(slot: number): void {
    let gap = this.#homeOfSlot(slot)
    while (this.#index[gap] !== slot + 1) gap = this.#after(gap)
    for (let place = this.#after(gap); this.#index[place] !== 0; place = this.#after(place)) {
      const home = this.#homeOfSlot(this.#index[place]! - 1)
      if (this.#homeOf(place - home) < this.#homeOf(place - gap)) continue
      this.#index[gap] = this.#index[place]!
      gap = place
    }
    this.#index[gap] = 0
  }

  /** To room for no less than there is. Nothing is changed before all of the memory for it is there. */
  #resize(capacity: number): void {
    const prints = new Int32Array(capacity * WORDS)
    const times = new Float64Array(capacity)
    const index = new Int32Array(capacity * 2)
    const head = this.#head
    const first = Math.min(this.#size, this.#capacity - head)
    prints.set(this.#prints.subarray(head * WORDS, (head + first) * WORDS))
    prints.set(this.#prints.subarray(0, (this.#size - first) * WORDS), first * WORDS)
    times.set(this.#times.subarray(head, head + first))
    times.set(this.#times.subarray(0, this.#size - first), first)
    this.#capacity = capacity
    this.#prints = prints
    this.#times = times
    this.#index = index
    this.#head = 0
    for (let slot = 0; slot < this.#size; slot++) this.#enter(slot)
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(atLeast, 1)))
}
