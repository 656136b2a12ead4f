import { fork } from 'node:child_process'

/** Another process of this example, which reports one value when it is ready. */
export interface Child {
  readonly name: string
  readonly told: Promise<unknown>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  /** Asks it to stop and waits until it has. */
  stop(): Promise<void>
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
}

const PATIENCE_MS = 10_000

/**
 * Runs a script of this folder the way in which this process was started. Its errors are shown, its output is not.
 *
 * @param env variables beside those of this process
 */
export function start(script: string, args: string[], env: Record<string, string>): Child {
  const child = fork(new URL(script, import.meta.url), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  const name = `${script} (${child.pid ?? 'not started'})`
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? String(signal)))
    child.once('error', (error) => resolve(error.message))
  })
  const told = new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve)
    void ended.then((how) => reject(new Error(`${name} ended before it was ready: ${how}`)))
  })
  // The waiting caller gets the error.
  told.catch(() => undefined)
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => void kill(), PATIENCE_MS)
    await ended
    clearTimeout(timer)
  }
  return { name, told, ended, stop, kill }
}
