import { connect, memory } from '../../src/index.js'
import { conformance } from './conformance.js'
import { MemoryWorld } from './memory-world.js'

conformance(
  {
    name: 'memory',
    make: memory,
    ownWorlds: true,
    cannot: {
      'waiting messages outlive the producer that scheduled them':
        'waiting messages live in the process and end with it',
    },
  },
  () => {
    const strategy = memory()
    return new MemoryWorld(strategy.broker, (options) => connect({ strategy, ...options }))
  },
)
