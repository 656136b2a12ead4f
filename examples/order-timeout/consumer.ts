// Cancels orders that are not paid in time, until Ctrl-C.
import { connect, on } from 'dueque'
import { orderTimeout, queue, url } from './order-timeout.js'
import { settleOrder } from './orders.js'

const mq = await connect({ url })

await mq.consume(queue, [
  on(orderTimeout, async ({ payload: { order }, latenessMs }) => {
    // Paid at the last moment: then the payment counts.
    const outcome = await settleOrder(order, 'cancelled')
    console.log(`order ${order} is ${outcome} (${latenessMs} ms after its time)`)
  }),
])
console.log('waiting for orders that time out')
process.on('SIGINT', () => void mq.close())
