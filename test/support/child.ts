import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { compiled } from '../../scripts/compiled.js'

export interface Child {
  readonly process: ChildProcess
  /** The printed lines. */
  readonly lines: readonly string[]
  /** kill -9; resolves when it is gone. */
  readonly kill: () => Promise<void>
}

/** Runs a TypeScript program of the tests in its own process, which is killed when the test ends. */
export function startChild(program: URL, ...args: readonly string[]): Child {
  return startChildWith({}, program, ...args)
}

/** As {@link startChild}, with more environment variables. */
export function startChildWith(env: Record<string, string>, program: URL, ...args: readonly string[]): Child {
  const child = spawnChild(env, program, ...args)
  onTestFinished(child.kill)
  return child
}

/** As {@link startChildWith}, for a concurrent test, which kills it when it ends. */
export function spawnChild(env: Record<string, string>, program: URL, ...args: readonly string[]): Child {
  return run(env, [compiled(program), ...args])
}

/** As {@link spawnChild}, for a program whose modules must load in the order of its imports. It takes longer to start. */
export function spawnInOrder(env: Record<string, string>, program: URL, ...args: readonly string[]): Child {
  return run(env, ['--import', 'tsx', program.pathname, ...args])
}

function run(env: Record<string, string>, args: readonly string[]): Child {
  const child = spawn(process.execPath, args, {
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
  return { process: child, lines, kill }
}
