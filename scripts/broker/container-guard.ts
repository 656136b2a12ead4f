// The guarding program of a container: container-guard.ts NAME. A line of standard input says that the container is
// created. At the end of the input it is removed, with its volumes.
import { createInterface } from 'node:readline'
import { getContainerRuntimeClient } from 'testcontainers'
import { poll } from './poll.js'

const [name] = process.argv.slice(2)
if (!name) throw new Error('usage: container-guard.ts NAME')

// It ends by itself, soon after its owner: a signal to all processes must not prevent the cleanup.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const { container: engine } = await getContainerRuntimeClient()
let created = false
for await (const _ of createInterface({ input: process.stdin })) created = true

if (created) await remove()
// The engine may still be creating it for an owner that has ended.
else await poll(remove, { what: 'the container to remove', timeoutMs: 30_000, intervalMs: 500 }).catch(() => {})

/** False if there is no such container. */
async function remove(): Promise<boolean> {
  try {
    await engine.getById(name!).remove({ force: true, v: true })
    return true
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false
    throw error
  }
}
