import { FINGERPRINT_WORDS, type Fingerprint } from '../base/fingerprint.js'

/** A slot: the key, a revision in two words, and until when it counts, in whole seconds. */
const [LOW, HIGH, UNTIL] = [FINGERPRINT_WORDS, FINGERPRINT_WORDS + 1, FINGERPRINT_WORDS + 2]
const SLOT_WORDS = UNTIL + 1
/** The word of a key whose lowest bits are the place of its slot, if that is free. */
const HOME = 2
/** Capacities are powers of two. */
const LEAST_CAPACITY = 16
const MOST_FULL = 0.75
/** A larger table has several arrays of so many slots. Also a power of two. */
const [SEGMENT_BITS, SEGMENT_SLOTS] = [10, 2 ** 10]
export const TWO_32 = 2 ** 32
/** The year 2106. */
const LATEST_SECOND = TWO_32 - 1

/**
 * Revisions by key in typed arrays: a hash table with linear probing, 28 bytes a slot, which the garbage collector does not
 * look into. Nothing is removed alone. Whenever the table is built anew, expired entries are left out. A large table grows in
 * place: memory that was given back would stay with the process, because others lie behind it.
 */
export class RevisionTable {
  #segments: Int32Array[] = []
  #capacity = 0
  #size = 0

  /** With expired entries. */
  get size(): number {
    return this.#size
  }

  /** 0 for a key that is not there. */
  get(key: Fingerprint): number {
    if (this.#size === 0) return 0
    const slot = this.#find(key)
    const words = segmentOf(this.#segments, slot)
    const at = placeOf(slot)
    return words[at + UNTIL] === 0 ? 0 : revisionAt(words, at)
  }

  /**
   * Of two revisions under one key the greater stays, and of two times the later.
   *
   * @param until when the entry expires, in seconds since the epoch
   * @param now likewise: entries that have expired may be left out
   */
  put(key: Fingerprint, revision: number, until: number, now: number): void {
    if (this.#size >= this.#capacity * MOST_FULL) this.#resize(capacityFor(this.#live(now) + 1), now)
    const slot = this.#find(key)
    const words = segmentOf(this.#segments, slot)
    const at = placeOf(slot)
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
    if (live < this.#size * 0.75) this.#resize(capacityFor(live), now)
  }

  /** The slot of the key, or the free one that it would get. */
  #find(key: Fingerprint): number {
    const segments = this.#segments
    const mask = this.#capacity - 1
    for (let slot = key[HOME]! & mask; ; slot = (slot + 1) & mask) {
      const words = segmentOf(segments, slot)
      const at = placeOf(slot)
      if (words[at + UNTIL] === 0 || isAt(words, at, key)) return slot
    }
  }

  #live(now: number): number {
    let live = 0
    for (const words of this.#segments)
      for (let at = 0; at < words.length; at += SLOT_WORDS) if (isLive(words, at, now)) live++
    return live
  }

  #resize(capacity: number, now: number): void {
    const before = this.#capacity
    if (capacity > before && before >= SEGMENT_SLOTS) return this.#grow(capacity, now)
    const old = this.#segments
    this.#segments = segmentsFor(capacity)
    this.#capacity = capacity
    this.#size = 0
    for (const words of old)
      for (let at = 0; at < words.length; at += SLOT_WORDS)
        if (isLive(words, at, now)) this.#add(words.subarray(at, at + SLOT_WORDS))
  }

  /**
   * Takes each entry out and adds it again, from behind a free slot on. Whatever stood before an entry has moved already, so
   * that the entry finds its place in its own slot, in one before it, or in the new segments.
   */
  #grow(capacity: number, now: number): void {
    const before = this.#capacity
    let free = 0
    while (!this.#isFree(free)) free++
    this.#segments.push(...segmentsFor(capacity - before))
    this.#capacity = capacity
    this.#size = 0
    const entry = new Int32Array(SLOT_WORDS)
    for (let passed = 1; passed < before; passed++) {
      const slot = (free + passed) & (before - 1)
      const words = segmentOf(this.#segments, slot)
      const at = placeOf(slot)
      for (let word = 0; word < SLOT_WORDS; word++) entry[word] = words[at + word]!
      words[at + UNTIL] = 0
      if (isLive(entry, 0, now)) this.#add(entry)
    }
  }

  /** An entry whose key is not there. */
  #add(entry: Int32Array): void {
    const mask = this.#capacity - 1
    let slot = entry[HOME]! & mask
    while (!this.#isFree(slot)) slot = (slot + 1) & mask
    segmentOf(this.#segments, slot).set(entry, placeOf(slot))
    this.#size++
  }

  #isFree(slot: number): boolean {
    return segmentOf(this.#segments, slot)[placeOf(slot) + UNTIL] === 0
  }
}

/** Of a small table the only one. */
function segmentsFor(slots: number): Int32Array[] {
  const words = Math.min(slots, SEGMENT_SLOTS) * SLOT_WORDS
  return Array.from({ length: Math.ceil(slots / SEGMENT_SLOTS) }, () => new Int32Array(words))
}

function segmentOf(segments: readonly Int32Array[], slot: number): Int32Array {
  return segments[slot >>> SEGMENT_BITS]!
}

/** Where a slot begins in its segment. */
function placeOf(slot: number): number {
  return (slot & (SEGMENT_SLOTS - 1)) * SLOT_WORDS
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
