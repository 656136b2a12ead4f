import { randomBytes } from 'node:crypto'
import { Pool, type PoolConfig } from 'pg'
import { onTestFinished } from 'vitest'
import { connect, type ConnectOptions, type Dueque, type StrategyMethods } from '../../../src/index.js'
import { postgres, type PostgresOptions, type PostgresStrategy } from '../../../src/strategies/postgres/index.js'

export type PostgresDueque = Dueque<PostgresStrategy> & StrategyMethods<PostgresStrategy>

export const uniqueSchema = () => `dueque_${randomBytes(4).toString('hex')}`

/** A pool that ends with the test. */
export function poolOf(url: string, config: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString: url, ...config })
  onTestFinished(() => pool.end())
  return pool
}

/** A connection with a schema of its own, which ends with the test. */
export async function connectPostgres(
  url: string,
  options: PostgresOptions,
  connectOptions: Omit<ConnectOptions, 'strategy'> = {},
): Promise<PostgresDueque> {
  const mq = await connect({ url, strategy: postgres({ schema: uniqueSchema(), ...options }), ...connectOptions })
  onTestFinished(() => mq.close())
  return mq
}
