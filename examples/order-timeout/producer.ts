// An order was placed: look at it again in 30 minutes. producer.ts [ORDER] [DELAY]
import { connect } from 'dueque'
import { orderTimeout, queue, url } from './order-timeout.js'

const [order = 'o-1', delay = '30m'] = process.argv.slice(2)

await using mq = await connect({ url })
const receipt = await mq.schedule(orderTimeout, { order }, { to: { queue }, in: delay, declare: true })
console.log(`order ${order} will be looked at on ${receipt.dueAt}`)
