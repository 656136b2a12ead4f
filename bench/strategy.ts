import { ladder, type Strategy } from 'dueque'
import type { Options } from './options.js'
import { postgresBench } from './postgres.js'
import { redisBench } from './redis.js'

/** The strategy of a scenario. */
export interface Chosen {
  strategy: Strategy
  /** For the report. */
  settings: Record<string, unknown>
  /** Missing where messages wait in RabbitMQ itself. */
  store?: BenchStore
  /** After the connection. */
  close: () => Promise<void>
}

export interface BenchStore {
  /** Its name, and its durability settings. */
  how: string
  /** The bytes that it holds, and the number of its commands since its start. */
  sample: () => Promise<{ bytes: number; commands: number }>
}

/** The strategy of `--strategy`, with a private server if it needs one. */
export async function strategyOf({ strategy, queueType, shards, lead }: Options): Promise<Chosen> {
  if (strategy === 'redis') return redisBench()
  if (strategy === 'postgres') return postgresBench()
  return {
    strategy: ladder({ queueType, shards, lead }),
    settings: { strategy, queueType, shards, lead },
    close: () => Promise.resolve(),
  }
}
