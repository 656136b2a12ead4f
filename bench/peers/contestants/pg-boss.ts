import { chunksOf } from '../chunks.js'
import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { payloadFor, type Payload } from '../payload.js'
import { peerPackage, peerVersion } from '../peer-package.js'

const QUEUE = 'peers'
const CHUNK = 1000
/** The shortest polling that it takes; while batches are full, it does not wait between them. */
const WORK = { pollingIntervalSeconds: 0.5, batchSize: 500, burstWhenBatchFull: true }

/** What is used of https://timgit.github.io/pg-boss */
interface PgBossModule {
  PgBoss: new (options: { connectionString: string }) => PgBoss
}

interface PgBoss {
  on(event: 'error', listener: () => void): void
  start(): Promise<unknown>
  stop(options: { graceful: boolean }): Promise<void>
  createQueue(name: string): Promise<void>
  send(name: string, data: Payload, options: { startAfter: Date }): Promise<string | null>
  insert(name: string, jobs: { data: Payload; startAfter: Date }[]): Promise<unknown>
  work(name: string, options: typeof WORK, handler: (jobs: { data: Payload }[]) => Promise<void>): Promise<string>
}

export const pgBoss: Contestant = {
  name: 'pg-boss',
  about: 'pg-boss: `startAfter`, insert in chunks of 1,000, one worker that polls every 0.5 s, the shortest interval',
  servers: ['postgres'],
  store: 'postgres',
  async setUp(site) {
    const place = placeOf(site, 'postgres')
    const boss = await start(place.url)
    return {
      settings: { 'pg-boss': await peerVersion('pg-boss'), ...WORK, 'insert chunk': CHUNK },
      schedule: async (item) => {
        await boss.send(QUEUE, payloadFor(item), { startAfter: new Date(item.dueAt) })
      },
      scheduleMany: async (items) => {
        for (const chunk of chunksOf(items, CHUNK)) {
          const jobs = chunk.map((item) => ({ data: payloadFor(item), startAfter: new Date(item.dueAt) }))
          await boss.insert(QUEUE, jobs)
        }
      },
      waiting: () =>
        place.number(
          `SELECT count(*) FROM pgboss.job WHERE name = '${QUEUE}' AND state IN ('created', 'retry', 'active')`,
        ),
      close: () => boss.stop({ graceful: false }),
    }
  },
  async consume(urls, arrived) {
    const boss = await start(urlOf(urls, 'postgres'))
    await boss.work(QUEUE, WORK, (jobs) => {
      for (const { data } of jobs) arrived(data)
      return Promise.resolve()
    })
    return { close: () => boss.stop({ graceful: true }) }
  },
}

async function start(connectionString: string): Promise<PgBoss> {
  const { PgBoss } = await peerPackage<PgBossModule>('pg-boss')
  const boss = new PgBoss({ connectionString })
  boss.on('error', () => undefined)
  await boss.start()
  await boss.createQueue(QUEUE)
  return boss
}
