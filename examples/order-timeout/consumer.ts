// Cancels orders that are not paid in time, until Ctrl-C.
import { connect, on } from 'dueque'
import { orderTimeout, queue, url } from './order-timeout.js'

const mq = await connect({ url })

await mq.consume(queue, [
  on(orderTimeout, async ({ payload: { order }, latenessMs }) => {
    if (await isPaid(order)) console.log(`order ${order} is paid`)
    else console.log(`order ${order} is not paid and cancelled (${latenessMs} ms after its time)`)
  }),
])
console.log('waiting for orders that time out')
process.on('SIGINT', () => void mq.close())

/** In your shop this queries the database. Here odd orders are never paid. */
function isPaid(order: string): Promise<boolean> {
  return Promise.resolve(/[02468]$/.test(order))
}
