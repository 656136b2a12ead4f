// An order was paid: its timeout is cancelled. pay.ts [ORDER]
import { connect } from 'dueque'
import { url } from './order-timeout.js'
import { settleOrder, timeoutOf } from './orders.js'

const [order = 'o-1'] = process.argv.slice(2)

// First the order, then the timeout: a handler that runs at this moment finds a paid order.
if ((await settleOrder(order, 'paid')) !== 'paid') throw new Error(`order ${order} was not paid in time`)

await using mq = await connect({ url })
// 'cancelled': no handler runs for it. 'too-late': one may run, and it looks at the order.
const answer = await mq.cancel(await timeoutOf(order))
console.log(`order ${order} is paid, its timeout: ${answer}`)
