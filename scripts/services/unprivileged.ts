import { execFile } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface User {
  uid: number
  gid: number
}

/** The user for programs that refuse to run as root: `postgres`, else `nobody`. Undefined if this is not root. */
export async function unprivileged(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const uid = await id('-u', name)
    const gid = await id('-g', name)
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error('this is root, and there is neither a user postgres nor nobody to run PostgreSQL as')
}

export async function give(folder: string, user: User | undefined): Promise<void> {
  if (user) await chown(folder, user.uid, user.gid)
}

async function id(option: string, name: string): Promise<number | undefined> {
  try {
    return Number((await promisify(execFile)('id', [option, name])).stdout)
  } catch {
    return undefined // no such user
  }
}
