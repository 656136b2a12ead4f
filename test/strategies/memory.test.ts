import { connect, memory } from '../../src/index.js'
import { conformance } from './conformance.js'
import { MemoryWorld } from './memory-world.js'

conformance(
  {
    name: 'memory',
    make: memory,
    ownWorlds: true,
    cannot: {
      'what waits outlives the producer that scheduled it': 'what waits lives in the process and ends with it',
    },
  },
  () => {
    const strategy = memory()
    return new MemoryWorld(strategy.broker, (options) => connect({ strategy, ...options }))
  },
)
