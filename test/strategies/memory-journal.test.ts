import { connect, memory } from '../../src/index.js'
import { conformance } from './conformance.js'
import { MemoryWorld } from './memory-world.js'

const make = () => memory({ cancellations: 'log', journal: true })

conformance(
  {
    name: 'memory with a journal',
    make,
    ownWorlds: true,
    cannot: {
      'waiting messages outlive the producer that scheduled them':
        'waiting messages live in the process and end with it',
    },
  },
  () => {
    const strategy = make()
    return new MemoryWorld(strategy.broker, (options) => connect({ strategy, ...options }))
  },
)
