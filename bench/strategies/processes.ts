import { readFile, readdir } from 'node:fs/promises'
import type { Broker } from '../broker.js'

/** Clock ticks a second: USER_HZ, which is 100 on all Linux that Node runs on. proc(5) */
const TICKS = 100

/** Processes of the node, if it runs on this machine. */
export async function brokerProcess({ ask, url }: Broker): Promise<number[]> {
  if (!/^(?:127\.|localhost$|\[::1\]$)/.test(new URL(url).hostname)) return []
  const [node] = await ask<{ os_pid: string }[]>('/nodes')
  return node ? [Number(node.os_pid)] : []
}

/** A process and its descendants. */
export async function withDescendants(pid: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const entry of await readdir('/proc')) {
    const fields = /^\d+$/.test(entry) ? await statOf(Number(entry)) : undefined
    if (fields) parents.set(Number(entry), Number(fields[1]))
  }
  const family = [pid]
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child)
  return family
}

/** CPU time that the processes have used, and their children that have ended, in seconds. NaN for no process. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  if (pids.length === 0) return NaN
  const all = await Promise.all(pids.map(statOf))
  // Fields 14 to 17: utime, stime, cutime, cstime.
  const ticks = all.flatMap((fields) => fields?.slice(11, 15).map(Number) ?? [])
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS
}

/** The fields of /proc/PID/stat behind the command, from the third on. */
async function statOf(pid: number): Promise<string[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
