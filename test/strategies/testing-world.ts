import { afterAll, beforeAll, vi } from 'vitest'
import { testDueque, type TestDuequeOptions } from '../../src/testing/index.js'
import { spendModules } from '../support/spent-modules.js'
import { MemoryWorld } from './memory-world.js'

/** Worlds of `dueque/testing`, whose clock moves all the time, and Date with it. To be called in a file of its own. */
export function testingWorlds(
  options: Pick<TestDuequeOptions, 'cancellations' | 'journal'> = {},
): () => Promise<MemoryWorld> {
  let isOver = false
  let moving: Promise<void> | undefined

  beforeAll(() => {
    spendModules()
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterAll(async () => {
    isOver = true
    await moving
    vi.useRealTimers()
  })

  return async () => {
    const { broker, connect, clock } = await testDueque({ ...options, setSystemTime: (now) => vi.setSystemTime(now) })
    const move = async () => {
      while (!isOver) await clock.advance(7)
    }
    moving = move()
    return new MemoryWorld(broker, connect)
  }
}
