// What the code blocks of the documentation take as given: a reader knows it from an earlier page, or has it in a program.
// The types of ORMs are no more than what the pages use of them.
import type { Consumer, Dueque, Handler, LadderStrategy, MessageDefinition, Receipt, StrategyMethods } from 'dueque'
import type { DrizzleTransaction, KnexTransaction, KyselyTransaction } from 'dueque/postgres'
import type { PrismaTransaction, TypeOrmManager } from 'dueque/postgres'
import type { IoredisClient } from 'dueque/redis'
import type { Pool, PoolClient } from 'pg'

export { connect, on } from 'dueque'

type Work<T> = (transaction: T) => Promise<void>

export declare const mq: Dueque<LadderStrategy> & StrategyMethods<LadderStrategy>
export declare const url: string

export declare const reminder: MessageDefinition<{ patient: string; room: string }, { patient: string; room: string }>
export declare const report: MessageDefinition<{ kind: string }, { kind: string }>
export declare const job: MessageDefinition<{ id: string }, { id: string }>
export declare const payload: { patient: string; room: string }
export declare const handlers: readonly Handler[]
export declare const handler: () => void

export declare const patients: {
  find(id: string, options: { signal: AbortSignal }): Promise<{ isAsleep: boolean } | undefined>
}
export declare function remind(patient: unknown): Promise<void>
export declare function work(payload: unknown): Promise<void>
export declare function bookAppointment(connection: Dueque): Promise<void>
export declare function startService(connection: Dueque): Promise<void>
export declare function customers(): AsyncIterable<{ id: string; zone: string }>
export declare function makeReport(kind: string, day: Date | undefined, key: string): Promise<void>
export declare function placeOrder(order: string, timeout: Receipt): Promise<void>
export declare function timeoutOf(order: string): Promise<Receipt>
export declare function settleOrder(order: string, outcome: 'paid' | 'cancelled'): Promise<string>

export declare class ConfigService {
  getOrThrow(name: string): string
}
export declare class ParseReminderPipe {
  transform(value: unknown): unknown
}
export declare const sentry: { captureException(error: unknown, context: object): void }
export declare const gauges: Set<Consumer>
export declare const dead: { add(count: number, labels: object): void }
export declare function currentTraceparent(): string
export declare function timed<T>(name: string, run: () => Promise<T>): Promise<T>

export declare const redisClient: IoredisClient
export declare const connectionString: string
export declare const direct: string
export declare const pool: Pool
export declare const client: PoolClient
export declare const order: string
export declare const appointment: { id: string }
export declare const appointments: object
export declare const sql: { begin(work: Work<PoolClient>): Promise<void> }
export declare const knex: {
  transaction(
    work: Work<KnexTransaction & ((table: string) => { insert(row: object): Promise<unknown> })>,
  ): Promise<void>
}
export declare const kysely: {
  transaction(): { execute(work: Work<KyselyTransaction & KyselyInserts>): Promise<void> }
}
interface KyselyInserts {
  insertInto(table: string): { values(row: object): { execute(): Promise<unknown> } }
}
export declare const drizzle: {
  transaction(
    work: Work<DrizzleTransaction & { insert(table: object): { values(row: object): Promise<unknown> } }>,
  ): Promise<void>
}
export declare const dataSource: {
  transaction(work: Work<TypeOrmManager & { save(row: object): Promise<unknown> }>): Promise<void>
}
export declare const prisma: {
  $transaction(
    work: Work<PrismaTransaction & { appointment: { create(row: { data: object }): Promise<unknown> } }>,
  ): Promise<void>
}
