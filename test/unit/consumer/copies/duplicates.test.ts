import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Duplicates, type Claim, type DuplicateWindow } from '../../../../src/consumer/copies/duplicates.js'
import { SharedDuplicates } from '../../../../src/consumer/copies/shared-duplicates.js'
import { manualClock } from '../../../../src/index.js'

/** Duplicates whose claims are addressed by their keys. */
class ByKey {
  readonly #duplicates: Duplicates
  readonly #claims = new Map<string, Claim>()

  constructor(duplicates: Duplicates | DuplicateWindow = {}) {
    this.#duplicates = duplicates instanceof Duplicates ? duplicates : new Duplicates(duplicates)
  }

  claim(key: string, now: number): boolean {
    return this.#has(key, this.#duplicates.claim(key, this, now))
  }

  async claimNext(key: string, now: number): Promise<boolean> {
    return this.#has(key, await this.#duplicates.claimNext(key, this, now))
  }

  finish(key: string, settled: boolean, now: number): void {
    const claim = this.#claims.get(key)!
    if (settled) this.#duplicates.settle(claim, now)
    else this.#duplicates.release(claim)
  }

  #has(key: string, claim: Claim | 'running' | 'settled'): boolean {
    if (typeof claim === 'object') this.#claims.set(key, claim)
    return typeof claim === 'object'
  }
}

/** A claim and its outcome. */
function claim(duplicates: ByKey, key = 'k', now = 0) {
  const state: { answer: boolean | undefined } = { answer: undefined }
  const answer = duplicates.claimNext(key, now).then((runs) => (state.answer = runs))
  return { state, answer }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('a copy', () => {
  it('of a settled message does not run, other messages do', () => {
    const duplicates = new ByKey()
    expect(duplicates.claim('k', 0)).toBe(true)
    duplicates.finish('k', true, 0)
    expect(duplicates.claim('k', 1)).toBe(false)
    expect(duplicates.claim('other', 1)).toBe(true)
  })

  it('of a running message waits, and does not run if that one is settled', async () => {
    const duplicates = new ByKey()
    duplicates.claim('k', 0)
    const copies = [claim(duplicates), claim(duplicates)]
    await settle()
    expect(copies.map(({ state }) => state.answer)).toEqual([undefined, undefined])
    duplicates.finish('k', true, 0)
    expect(await Promise.all(copies.map(({ answer }) => answer))).toEqual([false, false])
  })

  it('of a message that could not be settled runs, one copy at a time', async () => {
    const duplicates = new ByKey()
    duplicates.claim('k', 0)
    const [first, second, third] = [claim(duplicates), claim(duplicates), claim(duplicates)]
    duplicates.finish('k', false, 0)
    await settle()
    expect([first, second, third].map(({ state }) => state.answer)).toEqual([true, undefined, undefined])
    duplicates.finish('k', false, 0)
    await settle()
    expect([second, third].map(({ state }) => state.answer)).toEqual([true, undefined])
    duplicates.finish('k', true, 0)
    expect(await third.answer).toBe(false)
  })

  it('of a message that could not be settled also runs if it arrives later', () => {
    const duplicates = new ByKey()
    duplicates.claim('k', 0)
    duplicates.finish('k', false, 0)
    expect(duplicates.claim('k', 0)).toBe(true)
  })

  it('that waited does not run, even if no keys are remembered', async () => {
    const duplicates = new ByKey({ windowMs: 0, maxEntries: 0 })
    duplicates.claim('k', 0)
    const { answer } = claim(duplicates)
    duplicates.finish('k', true, 0)
    expect(await answer).toBe(false)
  })
})

describe('a claim', () => {
  it('that was released passes to a copy, and its holder cannot release the claim of the copy', () => {
    const duplicates = new Duplicates()
    const first = duplicates.claim('k', {}, 0) as Claim
    duplicates.release(first)
    const second = duplicates.claim('k', {}, 0) as Claim
    duplicates.release(first)
    expect(duplicates.claim('k', {}, 0)).toBe('running')
    duplicates.release(second)
    expect(duplicates.claim('k', {}, 0)).toBeTypeOf('object')
  })

  it('of an abandoned handler still settles its message, also for a copy that runs meanwhile', async () => {
    const duplicates = new Duplicates()
    const owner = {}
    const left = duplicates.claim('k', owner, 0) as Claim
    const other = duplicates.claim('other', {}, 0)
    duplicates.releaseAll(owner)
    expect([duplicates.claim('other', {}, 0), other]).toEqual(['running', expect.anything()])
    duplicates.claim('k', {}, 0)
    const copy = duplicates.claimNext('k', {}, 0)
    duplicates.settle(left, 0)
    expect(await copy).toBe('settled')
    expect(duplicates.claim('k', {}, 0)).toBe('settled')
  })
})

describe('the memory of settled keys', () => {
  it.each([
    [999, false],
    [1000, true],
    [5000, true],
  ])('forgets a key after the window: %i ms later a copy runs: %s', (later, runs) => {
    const duplicates = new ByKey({ windowMs: 1000 })
    duplicates.claim('k', 50)
    duplicates.finish('k', true, 100)
    expect(duplicates.claim('k', 100 + later)).toBe(runs)
  })

  it('holds the latest keys, up to the limit', () => {
    const duplicates = new ByKey({ maxEntries: 3 })
    for (const key of 'abcde') {
      duplicates.claim(key, 0)
      duplicates.finish(key, true, 0)
    }
    const runs: boolean[] = []
    for (const key of 'cdeab') runs.push(duplicates.claim(key, 0))
    expect(runs).toEqual([false, false, false, true, true])
  })

  it('counts the window from the last time a message was settled', () => {
    const duplicates = new ByKey({ windowMs: 1000, maxEntries: 2 })
    for (const [key, now] of [
      ['a', 0],
      ['b', 500],
      ['a', 1000],
    ] as const) {
      expect(duplicates.claim(key, now)).toBe(true)
      duplicates.finish(key, true, now)
    }
    expect(duplicates.claim('a', 1999)).toBe(false)
    expect(duplicates.claim('b', 1500)).toBe(true)
  })

  it('holds 100,000 keys for an hour by default', () => {
    const duplicates = new ByKey()
    for (let i = 0; i < 100_001; i++) {
      duplicates.claim(String(i), 0)
      duplicates.finish(String(i), true, 0)
    }
    expect(duplicates.claim('1', 3_599_999)).toBe(false)
    expect(duplicates.claim('0', 0)).toBe(true)
    expect(duplicates.claim('2', 3_600_000)).toBe(true)
  })
})

it('any number of copies, in any order, run one at a time until one is settled, and none after', async () => {
  const outcomes = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), outcomes, async (scheduler, settles) => {
      const duplicates = new ByKey()
      let [running, done, ranAfter] = [0, false, 0]
      const copy = async (isSettled: boolean) => {
        await scheduler.schedule(Promise.resolve())
        if (!(await duplicates.claimNext('k', 0))) return
        if (done) ranAfter++
        expect(++running).toBe(1)
        await scheduler.schedule(Promise.resolve())
        running--
        if (isSettled) done = true
        duplicates.finish('k', isSettled, 0)
      }
      const copies = Promise.all(settles.map(copy))
      await scheduler.waitFor(copies)
      expect(ranAfter).toBe(0)
      expect(done).toBe(settles.includes(true))
    }),
  )
})

describe('memory shared by the consumers of a connection', () => {
  it('is kept without a consumer until its window is over, and is one for all consumers of a queue and window', () => {
    const clock = manualClock()
    const shared = new SharedDuplicates(clock)
    const window = { windowMs: 1000 }
    const duplicates = shared.join('q', window)
    expect(shared.join('q', { ...window })).toBe(duplicates)
    expect(shared.join('q', {})).not.toBe(duplicates)
    const first = new ByKey(duplicates)
    expect(first.claim('k', clock.monotonic())).toBe(true)
    first.finish('k', true, clock.monotonic())
    shared.leave('q', {})
    shared.leave('q', window)
    clock.advance(999)
    shared.leave('q', window)
    expect(shared.join('q', window)).toBe(duplicates)
    expect(first.claim('k', clock.monotonic())).toBe(false)
    shared.leave('q', window)
    expect(shared.size).toBe(1)
    clock.advance(1)
    shared.leave('r', window)
    expect(shared.size).toBe(0)
  })

  it('is forgotten at once if it is empty, but not while an abandoned message runs', () => {
    const clock = manualClock()
    const shared = new SharedDuplicates(clock)
    const first = new ByKey(shared.join('q', {}))
    first.claim('k', clock.monotonic())
    shared.join('empty', {})
    shared.leave('empty', {})
    shared.leave('q', {})
    expect(shared.size).toBe(1)
    const duplicates = shared.join('q', {})
    expect(duplicates.claim('k', {}, clock.monotonic())).toBe('running')
    first.finish('k', false, clock.monotonic())
    shared.leave('q', {})
    expect(shared.size).toBe(0)
  })

  it('takes little memory for each queue that was consumed once, and is freed by closed consumers', () => {
    const clock = manualClock()
    const shared = new SharedDuplicates(clock)
    const before = process.memoryUsage().arrayBuffers
    for (let n = 0; n < 50; n++) {
      const duplicates = new ByKey(shared.join(`q-${n}`, {}))
      for (let i = 0; i < 100; i++) {
        duplicates.claim(`${i}`, clock.monotonic())
        duplicates.finish(`${i}`, true, clock.monotonic())
      }
      shared.leave(`q-${n}`, {})
    }
    expect(shared.size).toBe(50)
    // 128 keys of 32 bytes, and garbage that is not yet collected.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 30_000)
  })
})
