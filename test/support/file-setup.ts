// Runs before each file of tests with a broker. A worker loads the modules once for all of its files.
import { expect, vi } from 'vitest'
import { areModulesSpent } from './spent-modules.js'

/** Tests of queues that were declared a moment ago, and of brokers that are killed or lost. */
const ABOUT_YOUNG_QUEUES =
  /\/test\/(?:faults\/(?!backpressure|cancellation-network|poison|repeat|reschedule)|integration\/(?:ladder|publisher|reconnect|repeat)\.test)/

if (areModulesSpent()) vi.resetModules()

// The confirms of a queue that is younger than 2 s are held back. All other tests have queues of their own, would wait for
// that again and again, and kill no broker.
const { setYoungQueues } = await import('./young-queues.js')
setYoungQueues(ABOUT_YOUNG_QUEUES.test(expect.getState().testPath ?? ''))
