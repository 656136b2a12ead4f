// An order was placed: it has to be paid within 30 minutes. producer.ts [ORDER] [DELAY]
import { connect } from 'dueque'
import { orderTimeout, queue, url } from './order-timeout.js'
import { placeOrder } from './orders.js'

const [order = 'o-1', delay = '30m'] = process.argv.slice(2)

await using mq = await connect({ url })
const options = { to: { queue }, in: delay, id: `order/${order}`, declare: true }
const timeout = await mq.schedule(orderTimeout, { order }, options)
await placeOrder(order, timeout)
console.log(`order ${order} is to be paid by ${timeout.dueAt}`)
