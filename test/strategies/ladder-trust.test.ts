import { ladder } from '../../src/index.js'
import { describe } from 'vitest'
import { managementUrl, useVhost } from '../support/broker.js'
import { PATTERNS, userWith } from '../support/users.js'
import { conformance } from './conformance.js'
import { TrustWorld } from './trust-world.js'

const vhost = useVhost()

// The management API creates the users.
describe.skipIf(managementUrl() === undefined)(
  'with least privilege and topology: trust (needs the management API)',
  () => {
    const cannot = {
      'a missing destination is refused before anything is sent':
        'a user who may not declare a queue may not check it either; the message is parked when it is due',
    }
    conformance({ name: 'ladder', make: ladder, cannot }, async () => {
      const [operator, producer, consumer] = await Promise.all([
        userWith(vhost, PATTERNS.operator('.+')),
        userWith(vhost, PATTERNS.recurringProducer),
        userWith(vhost, PATTERNS.recurringConsumer('.+')),
      ])
      const world = new TrustWorld(vhost.url, { operator, producer, consumer })
      await world.applyEverything()
      return world
    })
  },
)
