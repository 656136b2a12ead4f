import { expect } from 'vitest'
import { YoungQueues } from '../../src/amqp/topology/young-queues.js'

/** Tests of queues that were declared a moment ago, and of brokers that are killed or lost. */
const ABOUT_YOUNG_QUEUES =
  /\/test\/(?:faults\/(?!backpressure|cancellation-network|poison|repeat|reschedule)|integration\/(?:ladder|publisher|reconnect|repeat)\.test)/

// The confirms of a queue that is younger than 2 s are held back. All other tests have queues of their own, would wait for
// that again and again, and kill no broker.
if (!ABOUT_YOUNG_QUEUES.test(expect.getState().testPath ?? ''))
  Object.defineProperty(YoungQueues.prototype, 'isEmpty', { get: () => true })
