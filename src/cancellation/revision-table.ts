import { FINGERPRINT_WORDS, type Fingerprint } from '../base/fingerprint.js'

/** A slot: the key, a revision in two words, and until when it counts, in whole seconds. */
const [LOW, HIGH, UNTIL] = [FINGERPRINT_WORDS, FINGERPRINT_WORDS + 1, FINGERPRINT_WORDS + 2]
const SLOT_WORDS = UNTIL + 1
/** The word of a key whose lowest bits are the place of its slot, if that is free. */
const HOME = 2
/** Capacities are powers of two. */
const LEAST_CAPACITY = 16
const MOST_FULL = 0.75
export const TWO_32 = 2 ** 32
/** The year 2106. */
const LATEST_SECOND = TWO_32 - 1

/**
 * Revisions by key in one typed array: a hash table with linear probing, 28 bytes a slot, which the garbage collector does
 * not look into. Nothing is removed alone. Whenever the table is built anew, expired entries are left out.
 */
export class RevisionTable {
  #words = new Int32Array(0)
  #capacity = 0
  #size = 0

  /** With expired entries. */
  get size(): number {
    return this.#size
  }

  /** 0 for a key that is not there. */
  get(key: Fingerprint): number {
    if (this.#size === 0) return 0
    const at = this.#find(key)
    return this.#words[at + UNTIL] === 0 ? 0 : revisionAt(this.#words, at)
  }

  /**
   * Of two revisions under one key the greater stays, and of two times the later.
   *
   * @param until when the entry expires, in seconds since the epoch
   * @param now likewise: entries that have expired may be left out
   */
  put(key: Fingerprint, revision: number, until: number, now: number): void {
    if (this.#size >= this.#capacity * MOST_FULL) this.#rebuild(capacityFor(this.#live(now) + 1), now)
    const at = this.#find(key)
    const words = this.#words
    if (words[at + UNTIL] === 0) {
      this.#size++
      words.set(key, at)
    }
    const greatest = Math.max(revision, revisionAt(words, at))
    words[at + LOW] = greatest
    words[at + HIGH] = greatest / TWO_32
    words[at + UNTIL] = Math.max(Math.min(Math.ceil(until), LATEST_SECOND), untilAt(words, at), 1)
  }

  /** Leaves out the entries that have expired, once they are a quarter of all. @param now seconds since the epoch */
  forget(now: number): void {
    const live = this.#live(now)
    if (live < this.#size * 0.75) this.#rebuild(capacityFor(live), now)
  }

  /** Where the key's slot begins, or the free slot that it would get. */
  #find(key: Fingerprint): number {
    const words = this.#words
    const mask = this.#capacity - 1
    for (let slot = key[HOME]! & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS
      if (words[at + UNTIL] === 0 || isAt(words, at, key)) return at
    }
  }

  #live(now: number): number {
    let live = 0
    for (let at = 0; at < this.#words.length; at += SLOT_WORDS) if (isLive(this.#words, at, now)) live++
    return live
  }

  #rebuild(capacity: number, now: number): void {
    const [old, words] = [this.#words, new Int32Array(capacity * SLOT_WORDS)]
    const mask = capacity - 1
    let size = 0
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (!isLive(old, from, now)) continue
      let slot = old[from + HOME]! & mask
      while (words[slot * SLOT_WORDS + UNTIL] !== 0) slot = (slot + 1) & mask
      for (let word = 0, to = slot * SLOT_WORDS; word < SLOT_WORDS; word++) words[to + word] = old[from + word]!
      size++
    }
    this.#words = words
    this.#capacity = capacity
    this.#size = size
  }
}

/** Half full at most. */
function capacityFor(size: number): number {
  return size === 0 ? 0 : Math.max(2 ** Math.ceil(Math.log2(size * 2)), LEAST_CAPACITY)
}

function isAt(words: Int32Array, at: number, key: Fingerprint): boolean {
  for (let word = 0; word < FINGERPRINT_WORDS; word++) if (words[at + word] !== key[word]) return false
  return true
}

/** A free slot has 0. */
function untilAt(words: Int32Array, at: number): number {
  return words[at + UNTIL]! >>> 0
}

function isLive(words: Int32Array, at: number, now: number): boolean {
  return words[at + UNTIL] !== 0 && untilAt(words, at) >= now
}

function revisionAt(words: Int32Array, at: number): number {
  return words[at + HIGH]! * TWO_32 + (words[at + LOW]! >>> 0)
}
