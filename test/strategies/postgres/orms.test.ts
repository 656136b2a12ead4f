import { drizzle } from 'drizzle-orm/node-postgres'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DataSource } from 'typeorm'
import { connect } from '../../../src/index.js'
import { fromDrizzle, fromKysely, fromTypeOrm, postgres } from '../../../src/strategies/postgres/index.js'
import { useVhost } from '../../support/broker.js'
import { failure } from '../../support/mq.js'
import { usePostgres } from '../../support/postgres.js'
import { AmqpWorld } from '../amqp-world.js'
import { note, unique } from '../recorder.js'
import { ormCases } from './orm-cases.js'
import { openDrizzle } from './orms/drizzle.js'
import { openKnex } from './orms/knex.js'
import { openKysely } from './orms/kysely.js'
import { openPrisma } from './orms/prisma.js'
import { openTypeOrm } from './orms/type-orm.js'
import type { PostgresDueque } from './store.js'

const vhost = useVhost()
const database = usePostgres()
let mq: PostgresDueque
let pool: Pool
let amqp: AmqpWorld

beforeAll(async () => {
  pool = new Pool({ connectionString: database.url })
  await pool.query('CREATE TABLE own (id text)')
  mq = await connect({ url: vhost.url, strategy: postgres({ pool }) })
  amqp = new AmqpWorld(vhost.url, () => postgres({ pool }))
})
afterAll(async () => {
  await Promise.all([mq.close(), amqp.close()])
  await pool.end()
})

const world = () => ({ url: database.url, pool, mq, declareQueue: (name: string) => amqp.declareQueue(name) })

ormCases('knex', openKnex, world)
ormCases('kysely', openKysely, world)
ormCases('drizzle-orm', openDrizzle, world)
ormCases('TypeORM', openTypeOrm, world)
ormCases('Prisma', openPrisma, world)

test('a client that answers as TypeORM does, with a list or with a list and a count, is taken as it is', async () => {
  const source = await new DataSource({ type: 'postgres', url: database.url }).initialize()
  const to = { queue: unique('typeorm') }
  await amqp.declareQueue(to.queue)
  const [id, other] = [unique('id'), unique('id')]
  const { id: plain } = await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
  await source.transaction(async (manager) => {
    const { queryRunner } = manager
    const error = await failure(mq.cancel(plain, { transaction: queryRunner as never }))
    expect((error as Error).message).toContain('expected fromTypeOrm(queryRunner.manager), from dueque/postgres')
    const transaction = { query: (text: string, values: unknown[]) => manager.query<never>(text, values) }
    await mq.schedule(note, { n: 2 }, { to, in: '1h', id, onConflict: 'replace', transaction })
    await mq.schedule(note, { n: 3 }, { to, in: '1h', id: other, transaction })
    expect(await mq.cancel(other, { transaction })).toBe('cancelled')
    expect(await mq.cancel(other, { transaction })).toBe('not-waiting')
    expect(await mq.reschedule(id, { in: '2h', transaction })).toMatchObject({ replaced: 'cancelled' })
  })
  const { messages } = await mq.list({ destination: to })
  expect(messages.map(({ payload }) => payload)).toEqual([{ n: 2 }])
  await source.destroy()
})

test('a transaction that is over is refused, also while its connection is in the next one', async () => {
  const connections = new Pool({ connectionString: database.url, max: 1 })
  const db = drizzle(connections)
  const to = { queue: unique('over') }
  await amqp.declareQueue(to.queue)
  const options = await db.transaction(async (tx) => {
    const first = { to, in: '1h', transaction: fromDrizzle(tx) } as const
    await mq.schedule(note, { n: 1 }, first)
    return first
  })
  await db.transaction(async (tx) => {
    await tx.execute('SELECT 1')
    expect(await failure(mq.schedule(note, { n: 2 }, options))).toMatchObject({
      code: 'INVALID_OPTION',
      outcome: 'refused',
      message: expect.stringContaining('before its commit or rollback') as string,
    })
    await mq.schedule(note, { n: 3 }, { ...options, transaction: fromDrizzle(tx) })
  })
  expect(await numbersFor(to.queue)).toEqual([1, 3])
  await connections.end()
})

async function numbersFor(queue: string): Promise<number[]> {
  const { messages } = await mq.list({ destination: { queue } })
  return messages.map(({ payload }) => (payload as { n: number }).n).toSorted()
}

test('a controlled transaction of kysely has savepoints', async () => {
  const connections = new Pool({ connectionString: database.url, max: 1 })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: connections }) })
  const to = { queue: unique('controlled') }
  await amqp.declareQueue(to.queue)
  const trx = await db.startTransaction().execute()
  await mq.schedule(note, { n: 1 }, { to, in: '1h', transaction: fromKysely(trx) })
  const inner = await trx.savepoint('inner').execute()
  await mq.schedule(note, { n: 2 }, { to, in: '1h', transaction: fromKysely(inner) })
  const back = await inner.rollbackToSavepoint('inner').execute()
  await back.commit().execute()
  expect(await numbersFor(to.queue)).toEqual([1])
  await db.destroy()
})

test('the manager of a query runner of TypeORM has a transaction from its start to its commit', async () => {
  const source = await new DataSource({ type: 'postgres', url: database.url }).initialize()
  const to = { queue: unique('runner') }
  await amqp.declareQueue(to.queue)
  const runner = source.createQueryRunner()
  const { manager } = runner
  expect(() => fromTypeOrm(manager)).toThrow('before its commit or rollback')
  await runner.startTransaction()
  const transaction = fromTypeOrm(manager)
  await mq.schedule(note, { n: 1 }, { to, in: '1h', transaction })
  await runner.commitTransaction()
  expect(await failure(mq.schedule(note, { n: 2 }, { to, in: '1h', transaction }))).toMatchObject({
    code: 'INVALID_OPTION',
  })
  await runner.release()
  expect(await numbersFor(to.queue)).toEqual([1])
  await source.destroy()
})
