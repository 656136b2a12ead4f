import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { PgDatabase } from '../../../../src/strategies/postgres/pg-database.js'

/** Messages of a server: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const AUTHENTICATION_OK = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
const TERMINATED = errorResponse('SFATAL', 'C57P01', 'Mterminating connection due to unexpected postmaster exit')

function errorResponse(...fields: string[]): Buffer {
  const body = Buffer.from(fields.map((field) => `${field}\0`).join('') + '\0')
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** A server that ends each connection in the packet that opens it, as one does that is killed in this moment. */
async function startDyingServer(): Promise<number> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATION_OK, READY_FOR_QUERY, TERMINATED])))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('a connection that is lost in the packet that opens it ends the query, and not the process', async () => {
  const port = await startDyingServer()
  const pool = new Pool({ host: '127.0.0.1', port, user: 'user', password: 'password', database: 'd', ssl: false })
  onTestFinished(() => pool.end())
  const database = new PgDatabase(pool, 2000)
  database.open()
  for (let i = 0; i < 3; i++)
    await expect(database.query('SELECT 1', [])).rejects.toMatchObject({ code: 'STORE_ERROR' })
  database.close()
  expect(['error', 'connect'].map((event) => pool.listenerCount(event))).toEqual([0, 0])
})
