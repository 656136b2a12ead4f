/**
 * dueque in the process's memory, with a clock that a test moves: for the unit tests of code that uses dueque.
 */
/// <reference lib="esnext.disposable" preserve="true" />
export { testDueque, type TestDueque, type TestDuequeOptions } from './test-dueque.js'
export type { TestClock } from './test-clock.js'
export type {
  DeadMessage,
  DeliveredMessage,
  ParkedMessage,
  PendingMessage,
  QueuedMessage,
  ScheduledMessage,
  SeenMessage,
} from './seen.js'
