import { Option, type Command } from 'commander'

/** Which store messages wait in, instead of RabbitMQ. */
export interface StoreSettings {
  redis?: string
  redisPrefix?: string
  postgres?: string
  postgresSchema?: string
}

export function addStoreOptions(program: Command): void {
  program
    .addOption(new Option('--redis <url>', 'messages wait in Redis').env('DUEQUE_REDIS_URL'))
    .addOption(new Option('--redis-prefix <name>', 'of its keys (default: dueque)').env('DUEQUE_REDIS_PREFIX'))
    .addOption(new Option('--postgres <url>', 'messages wait in PostgreSQL').env('DUEQUE_POSTGRES_URL'))
    .addOption(new Option('--postgres-schema <name>', 'of its tables (default: dueque)').env('DUEQUE_POSTGRES_SCHEMA'))
}

/** Whether messages wait in a store. */
export function hasStore({ redis, postgres }: StoreSettings): boolean {
  return redis !== undefined || postgres !== undefined
}
