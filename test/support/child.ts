import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

export interface Child {
  readonly process: ChildProcess
  /** What it has printed, line by line. */
  readonly lines: readonly string[]
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
}

/** A TypeScript program of the tests as a process of its own, killed when the test ends. */
export function startChild(program: URL, ...args: readonly string[]): Child {
  return startChildWith({}, program, ...args)
}

/** As {@link startChild}, with this in its environment besides. */
export function startChildWith(env: Record<string, string>, program: URL, ...args: readonly string[]): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', program.pathname, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  const kill = () => {
    child.kill('SIGKILL')
    return gone
  }
  onTestFinished(kill)
  return { process: child, lines, kill }
}
