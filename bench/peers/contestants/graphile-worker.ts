import { Pool } from 'pg'
import { chunksOf } from '../chunks.js'
import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { payloadFor, type Payload } from '../payload.js'
import { peerPackage, peerVersion } from '../peer-package.js'

const TASK = 'sample'
const CHUNK = 1000
const DEFAULT_POLL_MS = 2000
/** The settings of its own page "Performance". */
const WORKER = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}

/** What is used of https://worker.graphile.org */
interface GraphileWorker {
  makeWorkerUtils: (options: { pgPool: Pool; logger: unknown }) => Promise<Utils>
  run: (options: RunOptions) => Promise<{ stop(): Promise<void> }>
  Logger: new (factory: () => () => void) => unknown
}

interface RunOptions {
  connectionString: string
  logger: unknown
  preset: { worker: typeof WORKER & { pollInterval: number } }
  noHandleSignals: boolean
  taskList: Record<string, (payload: Payload) => void>
}

interface Utils {
  migrate(): Promise<void>
  addJob(identifier: string, payload: Payload, spec: { runAt: Date }): Promise<unknown>
  addJobs(jobs: { identifier: string; payload: Payload; runAt: Date }[]): Promise<unknown>
  release(): PromiseLike<void> | void
}

/** Its documentation leaves the interval at 2 s; a short one is the fairer opponent in lateness. */
export const graphileWorkers: readonly Contestant[] = [contestant(DEFAULT_POLL_MS), contestant(100)]

function contestant(pollInterval: number): Contestant {
  const isDefault = pollInterval === DEFAULT_POLL_MS
  return {
    name: isDefault ? 'graphile-worker' : `graphile-worker-${pollInterval}ms`,
    about: `Graphile Worker: \`runAt\`, addJobs in chunks of 1,000, polls every ${pollInterval} ms${isDefault ? ', its default' : ''}`,
    servers: ['postgres'],
    store: 'postgres',
    longOnly: !isDefault,
    async setUp(site) {
      const { makeWorkerUtils, Logger } = await peerPackage<GraphileWorker>('graphile-worker')
      const place = placeOf(site, 'postgres')
      // Its own pool has no listener for errors once it is released.
      const pgPool = new Pool({ connectionString: place.url, max: 10 })
      pgPool.on('error', () => undefined)
      pgPool.on('connect', (client) => client.on('error', () => undefined))
      const utils = await makeWorkerUtils({ pgPool, logger: new Logger(() => () => undefined) })
      await utils.migrate()
      const { localQueue, ...plain } = WORKER
      return {
        settings: {
          'graphile-worker': await peerVersion('graphile-worker'),
          pollInterval,
          ...plain,
          'localQueue.size': localQueue.size,
          'addJobs chunk': CHUNK,
        },
        schedule: async (item) => {
          await utils.addJob(TASK, payloadFor(item), { runAt: new Date(item.dueAt) })
        },
        scheduleMany: async (items) => {
          for (const chunk of chunksOf(items, CHUNK)) {
            const jobs = chunk.map((item) => ({
              identifier: TASK,
              payload: payloadFor(item),
              runAt: new Date(item.dueAt),
            }))
            await utils.addJobs(jobs)
          }
        },
        waiting: () => place.number('SELECT count(*) FROM graphile_worker.jobs'),
        close: async () => {
          await utils.release()
          await pgPool.end()
        },
      }
    },
    async consume(urls, arrived) {
      const { run, Logger } = await peerPackage<GraphileWorker>('graphile-worker')
      const runner = await run({
        connectionString: urlOf(urls, 'postgres'),
        logger: new Logger(() => () => undefined),
        preset: { worker: { ...WORKER, pollInterval } },
        noHandleSignals: true,
        taskList: { [TASK]: arrived },
      })
      return { close: () => runner.stop() }
    },
  }
}
