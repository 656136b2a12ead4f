import { setImmediate, setTimeout } from 'node:timers'

// Taken when the module is loaded, so that fake timers of a test runner, which come later, do not stop them.
const [laterThisTurn, later] = [setImmediate, setTimeout]

/** Milliseconds of real time, whatever a test does to the time. */
export const machineTime = performance.now.bind(performance)

/** One turn of the event loop: afterwards, all promises are settled that wait for nothing outside. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void laterThisTurn(resolve))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void later(resolve, ms))
}
