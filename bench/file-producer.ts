// file-producer.ts REQUEST, started by file.ts: schedules each line of a file, and tells its parent what that took.
import { connect, ladder } from 'dueque'
import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { scheduleEvery, scheduleInBatches, sample, warmUp, type Payload } from './load.js'
import { timed } from './numbers.js'

export interface FileRequest {
  url: string
  queue: string
  path: string
  inFlight: number
  batch: boolean
}

/** Memory in bytes. */
export interface FileRun {
  batch: boolean
  scheduled: number
  seconds: number
  cpuMicros: number
  heapBefore: number
  heapMost: number
  rssMost: number
}

const SAMPLE_MS = 20
const HOUR_MS = 3_600_000
const WARM_UP = 1000
const LONGEST_RUN_MS = 300_000

const { url, queue, path, inFlight, batch } = JSON.parse(process.argv[2]!) as FileRequest
const to = { queue }
const mq = await connect({ url, maxInFlight: inFlight, strategy: ladder() })
// Declares the rungs, which a service has had for long.
await warmUp(mq, to, WARM_UP, () => HOUR_MS - randomInt(LONGEST_RUN_MS))
process.send!(await run())
await mq.close()
process.disconnect()

async function run(): Promise<FileRun> {
  const options = { to, at: new Date(Date.now() + HOUR_MS) }
  let scheduled = 0
  const items = async function* () {
    for await (const line of createInterface(createReadStream(path))) {
      scheduled++
      yield { message: sample, payload: JSON.parse(line) as Payload, options }
    }
  }
  const { heapUsed: heapBefore } = process.memoryUsage()
  const most = { heapMost: heapBefore, rssMost: 0 }
  const sampler = setInterval(() => {
    const { heapUsed, rss } = process.memoryUsage()
    most.heapMost = Math.max(most.heapMost, heapUsed)
    most.rssMost = Math.max(most.rssMost, rss)
  }, SAMPLE_MS)
  const { seconds, cpuMicros } = await timed(1, () =>
    batch ? scheduleInBatches(mq, items()) : scheduleEvery(mq, items()),
  )
  clearInterval(sampler)
  return { batch, scheduled, seconds, cpuMicros: cpuMicros / scheduled, heapBefore, ...most }
}
