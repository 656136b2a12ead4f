// Runs before each file of tests with a broker. A worker loads the modules once for all of its files.
import { expect, vi } from 'vitest'
import { areModulesSpent } from './spent-modules.js'

/** Tests of queues that were declared a moment ago, and of brokers that are killed or lost. */
const ABOUT_YOUNG_QUEUES =
  /\/test\/(?:faults\/(?!backpressure|cancellation-network|poison|repeat|reschedule)|integration\/(?:ladder|publisher|reconnect|repeat)\.test)/
/** Tests of the ladder itself, and those that count its rungs or have many delays. */
const ABOUT_RUNGS = /\/test\/(?:faults\/|strategies\/ladder|integration\/(?:ladder|publisher)\.test)/

if (areModulesSpent()) vi.resetModules()

const { setWarmUp, setYoungQueues } = await import('./shortcuts.js')
const path = expect.getState().testPath ?? ''
// The confirms of a queue that is younger than 2 s are held back. All other tests have queues of their own, would wait for
// that again and again, and kill no broker.
setYoungQueues(ABOUT_YOUNG_QUEUES.test(path))
// A ladder of its own for each file, or each namespace, would be 158 quorum queues that nobody uses.
setWarmUp(ABOUT_RUNGS.test(path))
