import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import type { ConsumerStats } from '../../src/index.js'
import { poll } from '../support/broker.js'
import { spawnChild, type Child } from '../support/child.js'

/** A handler that started. Times are milliseconds since the epoch. */
export interface Start {
  readonly n: number
  readonly dueAt: number
  readonly at: number
  /** @default the only one */
  readonly process?: string
}

/** Consumers in their own processes, and the file in which they write down each handler that starts. */
export class HandlerLog {
  readonly queue: string
  readonly #file: string
  readonly #test: Pick<TestContext, 'onTestFinished'>
  readonly #program: URL

  /** @param program takes the arguments FILE QUEUE URL…, prints `ready` and appends a line for each handler */
  constructor(
    queue: string,
    test: Pick<TestContext, 'onTestFinished'>,
    program = new URL('./cancellation-child.ts', import.meta.url),
  ) {
    const folder = mkdtempSync(join(tmpdir(), 'dueque-handled-'))
    test.onTestFinished(() => rmSync(folder, { recursive: true }))
    this.queue = queue
    this.#file = join(folder, 'handled')
    this.#test = test
    this.#program = program
    writeFileSync(this.#file, '')
  }

  /** Resolves when it consumes. */
  async consumer(...urls: readonly string[]): Promise<Child> {
    const child = spawnChild({}, this.#program, this.#file, this.queue, ...urls)
    this.#test.onTestFinished(child.kill)
    await poll(() => child.lines.includes('ready'), { what: 'a consumer to be ready', timeoutMs: 120_000 })
    return child
  }

  /** Closes a consumer, which gives back all that it has not settled. */
  async close(child: Child): Promise<Pick<ConsumerStats, 'handled' | 'cancelled'>> {
    child.process.kill('SIGTERM')
    const stats = await poll(() => child.lines[1], { what: 'a consumer to close', timeoutMs: 60_000 })
    const { handled, cancelled } = JSON.parse(stats) as ConsumerStats
    return { handled, cancelled }
  }

  starts(): Start[] {
    const lines = readFileSync(this.#file, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => {
      const [n, dueAt, at, process] = line.split(' ') as [string, string, string, string]
      return { n: Number(n), dueAt: Number(dueAt), at: Number(at), process }
    })
  }
}
