// What producer.ts and consumer.ts have in common: processes of their own, started by crew.ts with a request.
import { defineMessage, isDuequeError, type Dueque } from 'dueque'
import { setMaxListeners } from 'node:events'
import { z } from 'zod'
import { Ledger } from './ledger.js'
import type { Kind } from './queues.js'
import { openAll, type Servers, type Ways } from './ways.js'

export interface Request extends Servers {
  /** `producer-0.1`: the first process of this seat. */
  name: string
  ledgerFile: string
  seed: number
  kinds: readonly Kind[]
  /** The real time minus the monotonic clock, for a process whose wall clock may be set. */
  realOffsetMs: number | undefined
  /** Of a producer: its first message, from each one to its next, and how many a second. */
  from: number
  step: number
  rate: number
}

/** `k` is the copy: 0, or more for one by `reschedule`. */
export const soaked = defineMessage('soak', z.object({ k: z.number() }))

/** Sent to the parent when the process works. */
export const READY = 'ready'

/** Milliseconds since the epoch. */
export interface DueTime {
  /** Whatever the wall clock of this process was set to. */
  due: number
  /** By that clock: what handlers receive. */
  told: number
}

export interface Process {
  request: Request
  ledger: Ledger
  ways: Ways
  dueIn: (delayMs: number) => DueTime
  /** Aborted by SIGTERM. */
  ending: AbortSignal
}

/** Connects, however long it takes, and records the events of the connections. */
export async function begin(): Promise<Process> {
  const ending = new AbortController()
  setMaxListeners(0, ending.signal) // each change of a message listens
  process.once('SIGTERM', () => ending.abort())
  // The parent is gone.
  process.once('disconnect', () => process.exit())
  const request = JSON.parse(process.argv[2]!) as Request
  const { realOffsetMs } = request
  const realNow = () => Math.floor(monotonicMs() + realOffsetMs!)
  const ledger = new Ledger(request.ledgerFile, realOffsetMs === undefined ? Date.now : realNow)
  const ways = await openAll(request, (text) => ledger.write({ is: 'news', text }))
  for (const mq of Object.values(ways)) record(mq, ledger)
  const dueIn = (delayMs: number): DueTime => {
    // The process may stand still between the two.
    const real = realOffsetMs === undefined ? undefined : realNow() + delayMs
    const told = Date.now() + delayMs
    return { told, due: real ?? told }
  }
  return { request, ledger, ways, dueIn, ending: ending.signal }
}

function record(mq: Dueque, ledger: Ledger): void {
  mq.on('disconnected', () => ledger.write({ is: 'disconnected' }))
  mq.on('error', (error) => ledger.write({ is: 'failed', text: isDuequeError(error) ? error.message : String(error) }))
}

/** The same for all processes of this machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function tellReady(): void {
  process.send?.(READY)
}

/** Disconnects from the parent, so that the process ends by itself. */
export function end(): void {
  if (process.connected) process.disconnect()
}
