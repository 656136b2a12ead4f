import { ladder } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'

const vhost = useVhost()
const make = () => ladder({ shards: 3 })
conformance({ name: 'ladder with three shards', make }, () => new AmqpWorld(vhost.url, make))
