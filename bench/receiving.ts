import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request } from './receiver.js'
import type { Final, Told } from './telling.js'

const RECEIVER = fileURLToPath(new URL('receiver.ts', import.meta.url))

/** A receiver in its own process, so that it does not share the event loop of the producer. */
export interface Receiver {
  /** Messages received so far. */
  readonly unique: number
  /**
   * Waits until `count` different messages have come, or nothing at all for `patienceMs` after `from`. Tells which.
   *
   * @param from milliseconds since the epoch. @default now
   */
  until(count: number, patienceMs: number, from?: number): Promise<boolean>
  /** Ends it. */
  finish(): Promise<Final>
}

export interface ReceiverOptions {
  /** Flags of Node.js, in addition to those of this process. */
  nodeOptions?: readonly string[]
  /** Before all processes of ordinary priority: by chrt(1) of Linux, as root. @default false */
  realtime?: boolean
}

/** Resolves when it consumes. */
export function startReceiver(request: Request, options: ReceiverOptions = {}): Promise<Receiver> {
  return startReceiving(RECEIVER, request, options)
}

/**
 * Starts another program that speaks as receiver.ts does, by telling.ts. Resolves when it consumes. It has its own session, as
 * a service has: Linux divides the cores by session.
 */
export async function startReceiving(
  program: string,
  request: object,
  options: ReceiverOptions = {},
): Promise<Receiver> {
  const { nodeOptions = [], realtime = false } = options
  const execArgv = [...process.execArgv, ...nodeOptions]
  const child = fork(program, [JSON.stringify(request)], {
    detached: true,
    ...(realtime ? { execPath: 'chrt', execArgv: ['--rr', '1', process.execPath, ...execArgv] } : { execArgv }),
  })
  let unique = 0
  let seen = 0
  let changedAt = 0
  let ended: Error | undefined
  const final = new Promise<Final>((resolve, reject) => {
    child.on('message', (told: Told): void => {
      if (told.is === 'final') resolve(told)
      if (told.is !== 'progress' || told.seen === seen) return
      ;({ unique, seen } = told)
      changedAt = Date.now()
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      ended = new Error(`the receiver ended: ${code ?? String(signal)}`)
      reject(ended)
    })
  })
  await Promise.race([final, new Promise((resolve) => child.once('message', resolve))])

  return {
    get unique() {
      return unique
    },
    until: async (count, patienceMs, from = Date.now()) => {
      while (unique < count) {
        if (ended) throw ended
        if (Date.now() - Math.max(from, changedAt) > patienceMs) return false
        await sleep(20)
      }
      return true
    },
    finish: async () => {
      child.send('finish')
      const result = await final
      child.disconnect()
      return result
    },
  }
}
