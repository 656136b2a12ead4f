import { hash } from 'node:crypto'

/** 128 bits of SHA-256. That any two of a billion keys have the same has a chance of one in 10^20. */
export type Fingerprint = Readonly<Int32Array>
const WORDS = 4

export function fingerprintOf(key: string): Fingerprint {
  // A string is less work for the garbage collector than a Buffer.
  const digest = hash('sha256', key, 'binary')
  return Int32Array.of(wordAt(digest, 0), wordAt(digest, 4), wordAt(digest, 8), wordAt(digest, 12))
}

function wordAt(bytes: string, at: number): number {
  const byte = (i: number) => bytes.charCodeAt(at + i)
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)
}

/** A power of two, as all sizes are. */
const LEAST_CAPACITY = 1024

/**
 * Remembers keys, each with a time, in the order of adding. They are kept as fingerprints in typed arrays, 32 to 64 bytes
 * each: a hundred thousand strings that live for minutes keep the garbage collector busy, and every handler waiting.
 * See docs/decisions/029-settled-keys-live-outside-the-heap.md.
 */
export class KeyMemory {
  #capacity = 0
  /** A ring of slots, the oldest first, at {@link #head}: a fingerprint and a time each. */
  #prints = new Int32Array(0)
  #times = new Float64Array(0)
  #head = 0
  #size = 0
  /** A hash table with linear probing, at most half full: a slot + 1 each, 0 for none. */
  #index = new Int32Array(0)

  get size(): number {
    return this.#size
  }

  /** Of the oldest. */
  get oldestAt(): number | undefined {
    return this.#size === 0 ? undefined : this.#times[this.#head]
  }

  has(print: Fingerprint): boolean {
    if (this.#size === 0) return false
    for (let place = this.#homeOf(print[0]!); this.#index[place] !== 0; place = this.#after(place)) {
      if (this.#isIn(this.#index[place]! - 1, print)) return true
    }
    return false
  }

  /** @param print that it does not have */
  add(print: Fingerprint, at: number): void {
    if (this.#size === this.#capacity) this.#grow()
    const slot = (this.#head + this.#size++) & (this.#capacity - 1)
    this.#prints.set(print, slot * WORDS)
    this.#times[slot] = at
    this.#enter(slot)
  }

  forgetOldest(): void {
    if (this.#size === 0) return
    this.#vacate(this.#head)
    this.#head = (this.#head + 1) & (this.#capacity - 1)
    this.#size--
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

  #grow(): void {
    const [prints, times, rest] = [this.#prints, this.#times, this.#capacity - this.#head]
    this.#capacity = Math.max(LEAST_CAPACITY, this.#capacity * 2)
    this.#prints = new Int32Array(this.#capacity * WORDS)
    this.#prints.set(prints.subarray(this.#head * WORDS))
    this.#prints.set(prints.subarray(0, this.#head * WORDS), rest * WORDS)
    this.#times = new Float64Array(this.#capacity)
    this.#times.set(times.subarray(this.#head))
    this.#times.set(times.subarray(0, this.#head), rest)
    this.#head = 0
    this.#index = new Int32Array(this.#capacity * 2)
    for (let slot = 0; slot < this.#size; slot++) this.#enter(slot)
  }
}
