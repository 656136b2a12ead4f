import { mkdtemp, statfs } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** TMPFS_MAGIC: statfs(2) */
const TMPFS = 0x01021994
const NEEDED_BYTES = 4 * 2 ** 30

/**
 * Whether nothing has to survive a power cut, as in tests: `DUEQUE_NO_SYNC=1`. A server that is killed keeps its data all the
 * same, and syncs to a disk would hold up everything on the machine.
 */
export function isWithoutSync(): boolean {
  return process.env['DUEQUE_NO_SYNC'] === '1'
}

/**
 * Makes the temporary folder of a private server: in memory for {@link isWithoutSync}, if Linux has 4 GiB of it left.
 *
 * @param isSeen whether the server sees all folders of this machine @default true
 */
export async function serverFolder(prefix: string, isSeen = true): Promise<string> {
  const inMemory = isSeen && isWithoutSync() && (await hasRoom())
  return mkdtemp(join(inMemory ? MEMORY : tmpdir(), prefix))
}

async function hasRoom(): Promise<boolean> {
  try {
    const { type, bavail, bsize } = await statfs(MEMORY)
    return type === TMPFS && Math.min(bavail * bsize, freemem()) >= NEEDED_BYTES
  } catch {
    return false // no Linux
  }
}
