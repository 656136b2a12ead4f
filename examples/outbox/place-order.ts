// An order was placed: a row and two messages, in one transaction. place-order.ts [ORDER] [DELAY]
import { connect } from 'dueque'
import { postgres } from 'dueque/postgres'
import { orderPlaced, orderTimeout, pool, url } from './shop.js'

const [order = 'o-1', delay = '30m'] = process.argv.slice(2)
await pool.query('CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, state text NOT NULL)')

const mq = await connect({ url, strategy: postgres({ pool, relay: false }) }) // consumer.ts has the relay
const to = { queue: 'orders' }

const transaction = await pool.connect()
try {
  await transaction.query('BEGIN')
  // At once, after the commit: the classic outbox.
  await mq.schedule(orderPlaced, { order }, { to, in: 0, declare: true, transaction })
  // In 30 minutes, unless it is cancelled.
  await mq.schedule(orderTimeout, { order }, { to, in: delay, id: `order/${order}`, transaction })
  // Which statement comes first does not matter: all of them count, or none.
  await transaction.query(`INSERT INTO orders (id, state) VALUES ($1, 'open')`, [order])
  await transaction.query('COMMIT')
  console.log(`order ${order} is placed`)
} catch (error) {
  await transaction.query('ROLLBACK')
  console.log(`order ${order} is not placed, and no message waits: ${(error as Error).message}`)
} finally {
  transaction.release()
}
await mq.close()
await pool.end()
