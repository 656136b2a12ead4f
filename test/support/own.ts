import { afterAll, beforeAll, beforeEach } from 'vitest'
import { poll } from '../../scripts/broker/poll.js'
import { openSockets } from './sockets.js'

export interface Own<T> {
  /** For humans: "virtual host". */
  what: string
  make: () => Promise<T>
  name: (own: T) => string
  /** Fails unless all connections to it are closed soon. */
  closed: (own: T) => Promise<void>
  drop: (own: T) => Promise<void>
  /** Time to create it. @default that of vitest. */
  timeoutMs?: number
}

/**
 * Something on a server for the tests of a file (or of the `describe` in which this is called): there from the first test
 * to the last, dropped when all of them passed, and kept and named when one failed. A connection that is open after the
 * last test fails the file. The returned function is for tests and hooks.
 */
export function useOwn<T>({ what, make, name, closed, drop, timeoutMs }: Own<T>): () => T {
  let own: { it: T } | undefined
  let failed = false
  beforeAll(async () => {
    own = { it: await make() }
  }, timeoutMs)
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => {
      failed = true
    })
  })
  afterAll(async () => {
    if (!own) return
    await closed(own.it)
    if (failed) console.error(`A test failed, so its ${what} is kept: ${name(own.it)}`)
    else await drop(own.it)
  })
  return () => {
    if (!own) throw new Error(`the ${what} is there inside of tests and hooks only`)
    return own.it
  }
}

/** Waits until the list of open connections is empty; fails with those that stay. */
export async function untilClosed(server: string, listOpen: () => Promise<string[]>): Promise<void> {
  let open: string[] = []
  const none = async () => {
    open = await listOpen()
    return open.length === 0
  }
  try {
    await poll(none, { timeoutMs: 5000, what: `every connection to ${server} to be closed` })
  } catch (cause) {
    throw new Error([(cause as Error).message, ...open].join('\n'), { cause })
  }
}

/** Waits until this process, which runs one file of tests at a time, has no open connection to a port. */
export async function untilNoSockets(server: string, port: number): Promise<void> {
  await poll(() => openSockets(port) === 0, {
    timeoutMs: 5000,
    what: `every connection to ${server} to be closed`,
  })
}
