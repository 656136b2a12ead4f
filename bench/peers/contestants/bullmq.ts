import { placeOf, urlOf, type Contestant, type Item } from '../contestant.js'
import { chunksOf } from '../chunks.js'
import { payloadFor, remainingMs, type Payload } from '../payload.js'
import { peerPackage, peerVersion } from '../peer-package.js'
import { WORK_QUEUE } from './amqp-sender.js'

const JOB = 'sample'
const CHUNK = 500
/** "Something between 100 and 300 is a quite standard setting" for handlers that wait for something. */
const CONCURRENCY = 200

/** What is used of https://docs.bullmq.io */
interface Bullmq {
  Queue: new (name: string, options: object) => Queue
  Worker: new (name: string, handler: (job: { data: Payload }) => Promise<void>, options: object) => Worker
}

interface Queue {
  add(name: string, data: Payload, options: { delay: number }): Promise<unknown>
  addBulk(jobs: { name: string; data: Payload; opts: { delay: number } }[]): Promise<unknown>
  getJobCountByTypes(...types: string[]): Promise<number>
  on(event: 'error', listener: () => void): void
  close(): Promise<void>
}

interface Worker {
  waitUntilReady(): Promise<unknown>
  on(event: 'error', listener: () => void): void
  close(): Promise<void>
}

/** BullMQ names may have no colon, and the work queue's has none. */
export const bullmq: Contestant = {
  name: 'bullmq',
  about: `BullMQ: delayed jobs, addBulk in chunks of ${CHUNK}, one worker`,
  servers: ['redis'],
  store: 'redis',
  async setUp(site) {
    const { Queue } = await peerPackage<Bullmq>('bullmq')
    const queue = new Queue(WORK_QUEUE, {
      connection: connectionOf(placeOf(site, 'redis').url),
      // Completed jobs take no memory.
      defaultJobOptions: { removeOnComplete: true },
    })
    queue.on('error', () => undefined)
    return {
      settings: {
        bullmq: await peerVersion('bullmq'),
        ioredis: await peerVersion('ioredis'),
        'worker concurrency': CONCURRENCY,
        'addBulk chunk': CHUNK,
        removeOnComplete: true,
      },
      schedule: async (item) => {
        await queue.add(JOB, payloadFor(item), { delay: remainingMs(item) })
      },
      scheduleMany: async (items) => {
        for (const chunk of chunksOf(items, CHUNK)) await queue.addBulk(chunk.map(jobOf))
      },
      waiting: () => queue.getJobCountByTypes('delayed', 'waiting', 'prioritized', 'active'),
      close: () => queue.close(),
    }
  },
  async consume(urls, arrived) {
    const { Worker } = await peerPackage<Bullmq>('bullmq')
    const handler = ({ data }: { data: Payload }) => Promise.resolve(arrived(data))
    const connection = connectionOf(urlOf(urls, 'redis'))
    const worker = new Worker(WORK_QUEUE, handler, { connection, concurrency: CONCURRENCY })
    worker.on('error', () => undefined)
    await worker.waitUntilReady()
    return { close: () => worker.close() }
  },
}

function jobOf(item: Item) {
  return { name: JOB, data: payloadFor(item), opts: { delay: remainingMs(item) } }
}

function connectionOf(url: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port) }
}
