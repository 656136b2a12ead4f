import { afterAll, beforeAll, vi } from 'vitest'
import { memory } from '../../src/index.js'
import { testDueque } from '../../src/testing/index.js'
import { conformance } from './conformance.js'
import { MemoryWorld } from './memory-world.js'

// dueque/testing keeps every promise that RabbitMQ keeps. Date follows the clock, which moves all the time.
let isOver = false
let moving: Promise<void> | undefined

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterAll(async () => {
  isOver = true
  await moving
  vi.useRealTimers()
})

conformance({ name: 'dueque/testing', make: memory, inTurn: true }, async () => {
  const { broker, connect, clock } = await testDueque({ setSystemTime: (now) => vi.setSystemTime(now) })
  const move = async () => {
    while (!isOver) await clock.advance(7)
  }
  moving = move()
  return new MemoryWorld(broker, connect)
})
