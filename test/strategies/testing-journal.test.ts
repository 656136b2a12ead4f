import { memory } from '../../src/index.js'
import { conformance } from './conformance.js'
import { testingWorlds } from './testing-world.js'

const options = { cancellations: 'log', journal: true } as const
conformance(
  { name: 'dueque/testing with a journal', make: () => memory(options), inTurn: true },
  testingWorlds(options),
)
