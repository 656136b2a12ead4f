// What producer.ts and consumer.ts have in common: processes of their own, started by crew.ts with a request.
import { connect, type Dueque, type Logger } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineMessage } from 'dueque'
import { z } from 'zod'
import { Ledger } from './ledger.js'

export interface Request {
  /** `producer-0.1`: the first process of this seat. */
  name: string
  urls: readonly string[]
  ledgerFile: string
  seed: number
  /** Of a producer: its first message, from each one to its next, and how many a second. */
  from: number
  step: number
  rate: number
}

export const soaked = defineMessage('soak', z.object({ n: z.number() }))

/** Sent to the parent when the process works. */
export const READY = 'ready'

export interface Process {
  request: Request
  ledger: Ledger
  mq: Dueque
  /** Aborted by SIGTERM. */
  ending: AbortSignal
}

/** Connects, however long it takes, and records the events of the connection. */
export async function begin(): Promise<Process> {
  const ending = new AbortController()
  process.once('SIGTERM', () => ending.abort())
  // The parent is gone.
  process.once('disconnect', () => process.exit())
  const request = JSON.parse(process.argv[2]!) as Request
  const ledger = new Ledger(request.ledgerFile)
  const mq = await connected(request, ledger)
  mq.on('disconnected', () => ledger.write({ is: 'disconnected' }))
  mq.on('error', (error) => ledger.write({ is: 'failed', text: String(error) }))
  return { request, ledger, mq, ending: ending.signal }
}

async function connected({ name, urls }: Request, ledger: Ledger): Promise<Dueque> {
  for (;;) {
    try {
      return await connect({ url: urls, name, logger: loggerOf(ledger) })
    } catch (error) {
      ledger.write({ is: 'news', text: `cannot connect: ${String(error)}` })
      await sleep(1000)
    }
  }
}

function loggerOf(ledger: Ledger): Logger {
  const ignore = () => undefined
  const keep = (text: string, data?: Record<string, unknown>) => {
    if (text !== 'message given up') ledger.write({ is: 'news', text: `${text} ${JSON.stringify(data ?? {})}` })
  }
  return { debug: ignore, info: ignore, warn: keep, error: keep }
}

export function tellReady(): void {
  process.send?.(READY)
}

/** Disconnects from the parent, so that the process ends by itself. */
export function end(): void {
  if (process.connected) process.disconnect()
}
