import { expect, it } from 'vitest'
import { RevisionTable } from '../../../src/cancellation/revision-table.js'

const NOW = 1_795_977_600

/** A key whose slot, if that is free, is given by the lowest bits of `home`. */
const keyOf = (n: number, home: number) => Int32Array.of(n, 1, home, 2)

/** As a hash gives them, in so many slots at most. */
const homeOf = (n: number, spread: number) => Math.imul(n, 0x9e3779b1) % spread

it.each([
  ['all over', (n: number) => homeOf(n, 2 ** 31)],
  ['in few slots, at the end of the table', (n: number) => -1 - (n % 3)],
  ['in a long row across the end', (n: number) => (n % 700) - 350],
  ['in rows that part when it grows', (n: number) => (n % 64) + 1024 * (n % 7) - 32],
])('finds every key while it grows, with keys %s', (_, home) => {
  const table = new RevisionTable()
  const isFound = (n: number) => table.get(keyOf(n, home(n))) === n + 1
  // It grows to 2048 slots, and to 4096.
  for (const count of [16, 768, 769, 1537]) {
    for (let n = table.size; n < count; n++) table.put(keyOf(n, home(n)), n + 1, NOW + 1, NOW)
    expect(table.size).toBe(count)
    expect(Array.from({ length: count }, (_, n) => n).filter((n) => !isFound(n))).toEqual([])
    expect(table.get(keyOf(count, home(1)))).toBe(0)
  }
})

it('leaves out what has expired when it grows in place', () => {
  const table = new RevisionTable()
  const key = (n: number) => keyOf(n, homeOf(n, 2 ** 31))
  for (let n = 0; n < 1536; n++) table.put(key(n), n + 1, NOW + (n < 50 ? 1 : 100), NOW)
  table.put(key(1536), 1537, NOW + 100, NOW + 50)
  expect(table.size).toBe(1536 - 50 + 1)
  const found = Array.from({ length: 1537 }, (_, n) => n).filter((n) => table.get(key(n)) === n + 1)
  expect(found).toEqual(Array.from({ length: 1487 }, (_, n) => n + 50))
})
