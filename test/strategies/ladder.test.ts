import { ladder } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'

const vhost = useVhost()
conformance({ name: 'ladder', make: ladder }, () => new AmqpWorld(vhost.url, ladder))
