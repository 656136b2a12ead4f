import { beforeEach, describe, expect, test } from 'vitest'
import { ClaimWindow, type ClaimOutcome, type ClaimRange } from '../../../../src/strategies/postgres/claim-window.js'

const EVER = Number.MIN_SAFE_INTEGER
const START = 1_000_000
const LEASE_MS = 15_000

let window: ClaimWindow
/** Monotonic milliseconds; the clock of the server is START ahead. */
let elapsed: number

beforeEach(() => {
  window = new ClaimWindow()
  elapsed = 0
})

const instant = () => ({ now: START + elapsed, elapsed })

/** A claim that finds nothing, or the given result. */
function claim(found: Partial<ClaimOutcome> = {}, mustBeHeld = false): ClaimRange {
  const seen = window.next(elapsed, mustBeHeld)
  const nothing = { tookMs: 1, isAll: true, last: undefined, leaseMs: LEASE_MS, held: undefined }
  window.done({ ...seen, ...instant(), ...nothing, ...found })
  return seen
}

describe('where the window of a claim begins', () => {
  test('the first claim reads everything', () => {
    expect(claim()).toEqual({ from: EVER, isWhole: true, isHeld: true })
  })

  test('a later claim begins a second before the end of the last one', () => {
    claim()
    elapsed = 100
    expect(claim()).toEqual({ from: START - 1000, isWhole: false, isHeld: false })
    elapsed = 300
    expect(claim().from).toBe(START + 100 - 1000)
  })

  test('every 5 s a claim reads everything', () => {
    claim()
    elapsed = 4999
    expect(claim().isWhole).toBe(false)
    elapsed = 5000
    expect(claim()).toEqual({ from: EVER, isWhole: true, isHeld: true })
  })

  test.each([
    { tookMs: 99, afterMs: 5000 },
    { tookMs: 100, afterMs: 5000 },
    { tookMs: 1000, afterMs: 20_000 },
  ])('if that took $tookMs ms, it is repeated after $afterMs ms', ({ tookMs, afterMs }) => {
    claim({ tookMs })
    elapsed = afterMs - 1
    expect(claim().isWhole).toBe(false)
    elapsed = afterMs
    expect(claim().isWhole).toBe(true)
  })

  test('while there are more messages than its limit, it goes on from the last one', () => {
    claim()
    claim({ isAll: false, last: START - 300 })
    expect(claim({ isAll: false, last: START - 200 }).from).toBe(START - 300)
    expect(claim().from).toBe(START - 200)
  })

  test('if it read everything and there were more messages, it reads everything again', () => {
    claim({ isAll: false, last: START - 300 })
    expect(claim()).toMatchObject({ from: EVER, isWhole: true })
    expect(claim().isWhole).toBe(false)
  })

  test('a notification moves the beginning back, once', () => {
    claim()
    window.heard(START - 50_000)
    window.heard(START - 40_000)
    expect(claim().from).toBe(START - 50_000)
    expect(claim().from).toBe(START - 1000)
  })

  test('a notification during a claim counts for the next one', () => {
    claim()
    const seen = window.next(elapsed)
    window.heard(START - 50_000)
    window.done({ ...seen, ...instant(), tookMs: 1, isAll: true, last: undefined, leaseMs: LEASE_MS, held: undefined })
    expect(claim().from).toBe(START - 50_000)
  })

  test('a claim reads everything after a failed one, and after the clock of the server was set back', () => {
    claim()
    window.next(elapsed)
    window.failed()
    expect(claim().isWhole).toBe(true)
    claim({ now: START - 900 })
    expect(claim().isWhole).toBe(false)
    claim({ now: START - 3_600_000 })
    expect(claim({ now: START - 3_600_000 })).toMatchObject({ from: EVER, isWhole: true })
  })
})

describe('a claim reads leases and postponed messages', () => {
  const isHeld = () => claim().isHeld

  test('when its own lease is over, by the monotonic clock', () => {
    claim({ tookMs: 1000 })
    claim({ last: START })
    elapsed = LEASE_MS - 1
    expect(isHeld()).toBe(false)
    elapsed = LEASE_MS
    expect(isHeld()).toBe(true)
  })

  test('when a lease that it saw is over, but not too often', () => {
    claim({ tookMs: 1000, held: { inMs: 300, isLease: true } })
    elapsed = 19_999
    expect(isHeld()).toBe(false)
    elapsed = 20_000
    expect(isHeld()).toBe(true)
    window = new ClaimWindow()
    elapsed = 0
    claim({ held: { inMs: 300, isLease: true } })
    elapsed = 300
    expect(isHeld()).toBe(true)
  })

  test('when a postponed message is ready, by the clock of the server', () => {
    claim()
    window.postponed(START + 2000)
    elapsed = 1999
    expect(isHeld()).toBe(false)
    elapsed = 2000
    expect(isHeld()).toBe(true)
    elapsed = 2001
    expect(isHeld()).toBe(false)
  })

  test('also for messages that were postponed during the last claim', () => {
    const seen = window.next(elapsed)
    window.postponed(START + 2000)
    window.done({ ...seen, ...instant(), tookMs: 1, isAll: true, last: undefined, leaseMs: LEASE_MS, held: undefined })
    expect(window.heldAt(instant())).toBe(START + 2000)
  })

  test('again at once, while there are more of them than its limit', () => {
    claim()
    claim({ isAll: false, last: START }, true)
    expect(isHeld()).toBe(true)
  })

  test('without moving the beginning of the next one by a lease, which may be ready at any time', () => {
    claim()
    claim({ isAll: false, last: START + 5000 }, true)
    expect(claim().from).toBe(START - 1000)
  })

  test('on request', () => {
    claim()
    expect(claim().isHeld).toBe(false)
    expect(claim({}, true)).toMatchObject({ isHeld: true, isWhole: false })
  })

  test('and returns when the earliest of them is ready', () => {
    claim()
    expect(window.heldAt(instant())).toBe(Infinity)
    claim({ last: START })
    expect(window.heldAt(instant())).toBe(START + LEASE_MS)
    window.postponed(START + 3000)
    expect(window.heldAt(instant())).toBe(START + 3000)
    elapsed = LEASE_MS + 1
    expect(window.heldAt(instant())).toBe(START + 3000)
    claim({ held: { inMs: 700, isLease: false } })
    expect(window.heldAt(instant())).toBe(START + elapsed + 700)
  })
})
