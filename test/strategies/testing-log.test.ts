import { memory } from '../../src/index.js'
import { conformance } from './conformance.js'
import { testingWorlds } from './testing-world.js'

const make = () => memory({ cancellations: 'log' })
conformance({ name: 'dueque/testing as a log', make, inTurn: true }, testingWorlds({ cancellations: 'log' }))
