import { memory } from '../../src/index.js'
import { conformance } from './conformance.js'
import { testingWorlds } from './testing-world.js'

// dueque/testing keeps every promise that RabbitMQ keeps.
conformance({ name: 'dueque/testing', make: memory, inTurn: true }, testingWorlds())
