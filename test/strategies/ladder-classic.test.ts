import { ladder } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'

const vhost = useVhost()
const make = () => ladder({ queueType: 'classic' })
conformance({ name: 'ladder with classic queues', make }, () => new AmqpWorld(vhost.url, make))
