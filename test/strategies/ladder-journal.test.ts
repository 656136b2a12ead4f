import { ladder } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'

const vhost = useVhost()
const make = () => ladder({ journal: true })
conformance({ name: 'ladder with a journal', make }, () => new AmqpWorld(vhost.url, make))
