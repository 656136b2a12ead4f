import { onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  type Dueque,
  type MemoryStrategy,
  type WaitingMethods,
} from '../../../src/index.js'
import { dashboard, type DashboardOptions } from '../../../src/dashboard/index.js'

export const note = defineMessage('note', z.object({ text: z.string() }))
export const BASE = 'http://board.example/dueque/'

type InMemory = Dueque<MemoryStrategy> & WaitingMethods

/** A dashboard of messages in memory, which ends with the test. */
export async function open(options: DashboardOptions = {}) {
  const mq = await connect({ strategy: memory(), logger: false })
  onTestFinished(() => mq.close({ drainTimeoutMs: 1000 }))
  return { mq: mq, ...client(dashboard(mq, options)) }
}

/** Asks a dashboard as its pages do. */
export function client(board: (request: Request) => Promise<Response>) {
  const ask = (path: string, init: RequestInit = {}) => board(new Request(BASE + path, init))
  return {
    board,
    ask,
    get: async <T = Record<string, unknown>>(path: string) => {
      const response = await ask(path)
      return { status: response.status, body: (await response.json()) as T }
    },
    post: async <T = Record<string, unknown>>(path: string, body: unknown, headers: Record<string, string> = {}) => {
      const response = await ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-dueque': '1', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      return { status: response.status, body: (await response.json()) as T }
    },
  }
}

/** Schedules notes with these ids, an hour apart. */
export async function fill(mq: InMemory, ids: readonly string[]): Promise<void> {
  for (const [i, id] of ids.entries())
    await mq.schedule(note, { text: id }, { to: { queue: 'notes' }, declare: true, id, in: { hours: i + 1 } })
}
