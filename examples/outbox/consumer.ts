// Receives the messages of orders, until Ctrl-C. Its relay takes them from the table when they are due.
import { connect, on } from 'dueque'
import { postgres } from 'dueque/postgres'
import { orderPlaced, orderTimeout, pool, url } from './shop.js'

const mq = await connect({ url, strategy: postgres({ pool }) })

await mq.consume('orders', [
  on(orderPlaced, ({ payload: { order } }) => console.log(`thank you for the order ${order}`)),
  on(orderTimeout, async ({ payload: { order } }) => {
    const sql = `UPDATE orders SET state = 'cancelled' WHERE id = $1 AND state = 'open'`
    const { rowCount } = await pool.query(sql, [order])
    console.log(rowCount === 1 ? `order ${order} is cancelled` : `order ${order} was paid in time`)
  }),
])
console.log('waiting for orders')
process.on('SIGINT', () => void mq.close().then(() => pool.end()))
