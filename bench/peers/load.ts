import { randomInt } from 'node:crypto'
import type { Item } from './contestant.js'

/** Numbered from 0, created as they are read. */
export function* delayed(count: number, delayMs: () => number): Generator<Item> {
  for (let n = 0; n < count; n++) yield delayedItem(n, delayMs())
}

export function delayedItem(n: number, delayMs: number): Item {
  return { n, delayMs, dueAt: Date.now() + delayMs }
}

export function* dueAt(count: number, instant: number): Generator<Item> {
  for (let n = 0; n < count; n++) yield { n, dueAt: instant }
}

/** Messages that receivers do not count. */
export function* warmUps(count: number, delayMs: () => number): Generator<Item> {
  for (let i = 0; i < count; i++) yield delayedItem(-1, delayMs())
}

/** A random delay from the least to the most, in whole milliseconds. */
export function within([least, most]: readonly [number, number]): () => number {
  return () => randomInt(least, most + 1)
}
