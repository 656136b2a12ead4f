import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { killGroup } from './kill-group.js'
import { poll } from './poll.js'

/**
 * kill -9 of the leader of a process group, the group, and the leader's children wherever they are: each backend of
 * PostgreSQL has its own session. Resolves when they have ended, or only wait for their parent.
 */
export async function killTree(pid: number): Promise<void> {
  if (!killGroup(pid, 'SIGSTOP')) return // from here on it starts no more of them
  const children = processes().flatMap((one) => (one.parent === pid ? [one.pid] : []))
  killGroup(pid, 'SIGKILL')
  for (const child of children) killOne(child)
  const doomed = new Set([pid, ...children])
  await poll(() => !processes().some((one) => doomed.has(one.pid) && !one.ended), {
    what: `process ${pid} and its children are gone`,
    timeoutMs: 60_000,
    intervalMs: 5,
  })
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

interface Process {
  pid: number
  parent: number
  /** A zombie: it has ended, and its parent has not waited for it. */
  ended: boolean
}

function processes(): Process[] {
  if (!existsSync('/proc/self/stat')) {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n')
    return lines.map((line) => toProcess(line.trim().split(/\s+/)))
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    const stat = statOf(pid)
    if (stat === undefined) return []
    // pid (name) state parent …, where a name may have anything in it: proc_pid_stat(5)
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return [toProcess([pid, parent, state])]
  })
}

function statOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // it ended meanwhile
  }
}

function toProcess([pid, parent, state = '']: string[]): Process {
  return { pid: Number(pid), parent: Number(parent), ended: /^[ZX]/.test(state) }
}
