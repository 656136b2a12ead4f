/** The adapters take the types of the real packages. `tsc` checks them. */
import type { getPrismaClient, ITXClientDenyList } from '@prisma/client/runtime/client'
import type { NodePgDatabase, NodePgTransaction } from 'drizzle-orm/node-postgres'
import type { PgTransaction as DrizzlePgTransaction, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type { Knex } from 'knex'
import type { ControlledTransaction, Kysely, Transaction } from 'kysely'
import type { ClientBase, Pool } from 'pg'
import type { DataSource, EntityManager } from 'typeorm'
import { expectTypeOf, it } from 'vitest'
import type { StrategyMethods } from '../../../../src/index.js'
import type {
  DrizzleTransaction,
  KnexTransaction,
  KyselyTransaction,
  PostgresStrategy,
  PostgresTransaction,
  PrismaTransaction,
  StoreStrategy,
  TypeOrmManager,
} from '../../../../src/strategies/postgres/index.js'

type PrismaClient = InstanceType<ReturnType<typeof getPrismaClient>>

interface Tables {
  own: { id: string }
}

it('each adapter takes the transactions of its ORM, and not the ORM itself', () => {
  expectTypeOf<Knex.Transaction>().toExtend<KnexTransaction>()
  expectTypeOf<Knex.Transaction<Tables['own'], Tables['own'][]>>().toExtend<KnexTransaction>()
  expectTypeOf<Knex>().not.toExtend<KnexTransaction>()

  expectTypeOf<Transaction<Tables>>().toExtend<KyselyTransaction>()
  expectTypeOf<ControlledTransaction<Tables>>().toExtend<KyselyTransaction>()
  expectTypeOf<Kysely<Tables>>().not.toExtend<KyselyTransaction>()

  expectTypeOf<NodePgTransaction<Record<string, never>, Record<string, never>>>().toExtend<DrizzleTransaction>()
  expectTypeOf<DrizzlePgTransaction<PgQueryResultHKT>>().toExtend<DrizzleTransaction>()
  expectTypeOf<NodePgDatabase>().not.toExtend<DrizzleTransaction>()

  expectTypeOf<EntityManager>().toExtend<TypeOrmManager>()
  expectTypeOf<DataSource>().not.toExtend<TypeOrmManager>()

  expectTypeOf<Omit<PrismaClient, ITXClientDenyList>>().toExtend<PrismaTransaction>()
  expectTypeOf<PrismaClient>().not.toExtend<PrismaTransaction>()
})

it('the option takes clients of pg, and no transaction of an ORM as it is', () => {
  expectTypeOf<ClientBase>().toExtend<PostgresTransaction>()
  expectTypeOf<Pool>().not.toExtend<PostgresTransaction>()
  expectTypeOf<EntityManager>().not.toExtend<PostgresTransaction>()
  expectTypeOf<Knex.Transaction>().not.toExtend<PostgresTransaction>()
  expectTypeOf<Transaction<Tables>>().not.toExtend<PostgresTransaction>()
  expectTypeOf<DrizzlePgTransaction<PgQueryResultHKT>>().not.toExtend<PostgresTransaction>()
})

it('methods that change messages take a transaction with postgres alone', () => {
  type Methods = StrategyMethods<PostgresStrategy>
  const cancel = (mq: Methods, transaction: PostgresTransaction) => [
    mq.cancel('x', { transaction }),
    mq.cancelAll(['x'], { transaction }),
    mq.reschedule('x', { in: '1h', transaction }),
    mq.list(),
  ]
  const without = (mq: StrategyMethods<StoreStrategy>, transaction: PostgresTransaction) => [
    // @ts-expect-error there are no transactions
    mq.cancel('x', { transaction }),
    // @ts-expect-error there are no transactions
    mq.cancelAll(['x'], { transaction }),
    // @ts-expect-error there are no transactions
    mq.reschedule('x', { in: '1h', transaction }),
  ]
  expectTypeOf(cancel).toBeFunction()
  expectTypeOf(without).toBeFunction()
})
