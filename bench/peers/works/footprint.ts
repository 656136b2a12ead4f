import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { atRest } from '../../at-rest.js'
import { placeOf } from '../contestant.js'
import type { Server } from '../servers/server.js'
import type { Cell } from './work.js'

/** Of a garbage collection here and there. */
const NOISE_BYTES = 200_000

/** In bytes. */
export interface Footprint {
  /** What the store itself counts: the memory of queues, Redis' `used_memory`, the size of the database on disk. */
  counted: number
  /** Of all processes of the store, each shared page divided among them. */
  memory: number
  /** Of the folder of the store: logs and write-ahead logs too. */
  disk: number
}

/** Of the store of a contestant, when it has stopped changing. */
export async function footprintOf({ contestant, entrant, open }: Cell): Promise<Footprint> {
  const place = placeOf(open.site, contestant.store)
  const counted = await atRest(() => (entrant.bytes ? entrant.bytes() : place.bytes()), NOISE_BYTES)
  const store = storeOf(open.servers[contestant.store])
  return { counted, memory: await memoryOf(await store.processes()), disk: await diskOf(await store.folder()) }
}

export function storeOf(server: Server | undefined): Server {
  if (!server) throw new Error("the store of a contestant must be one of its 'servers'")
  return server
}

async function memoryOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')))
  return each.reduce((sum, text) => sum + Number(/^Pss:\s*(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024, 0)
}

async function diskOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  // Files come and go meanwhile.
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
