import { ladder } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'

const vhost = useVhost()
const make = () => ladder({ lead: 300 })
const cannot = {
  'a message is not in the queue before it is due': 'with a lead it is there early, and the consumer holds it',
}
conformance({ name: 'ladder with a lead', make, cannot }, () => new AmqpWorld(vhost.url, make))
