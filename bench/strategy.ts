import { ladder, type Strategy } from 'dueque'
import type { Options } from './options.js'
import { postgresBench } from './postgres.js'
import { redisBench } from './redis.js'

/** What a scenario schedules by. */
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
  /** Which one it is, and how it keeps what it confirms. */
  how: string
  /** What it holds, in bytes, and how many commands it was given since it runs. */
  sample: () => Promise<{ bytes: number; commands: number }>
}

/** The strategy of `--strategy`, with a server of its own where it needs one. */
export async function strategyOf({ strategy, queueType, shards, lead }: Options): Promise<Chosen> {
  if (strategy === 'redis') return redisBench()
  if (strategy === 'postgres') return postgresBench()
  return {
    strategy: ladder({ queueType, shards, lead }),
    settings: { strategy, queueType, shards, lead },
    close: () => Promise.resolve(),
  }
}
