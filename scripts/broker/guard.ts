import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { poll } from './poll.js'

/**
 * A process that removes the servers that this one started. It waits for the end of its standard input, so it acts when
 * `release` is called and when this process ends in any way, including `kill -9`. It runs in its own session, where the
 * Ctrl-C of a terminal does not reach it.
 */
export class Guard {
  readonly #process: ChildProcessByStdio<Writable, null, Readable>
  readonly #complaints: Promise<string>
  #releasing: Promise<void> | undefined

  constructor(command: string, args: readonly string[], cwd: string) {
    this.#process = spawn(command, args, { cwd, detached: true, stdio: ['pipe', 'ignore', 'pipe'] })
    this.#complaints = text(this.#process.stderr)
    this.#process.on('error', () => {}) // reported by release
    this.#process.stdin.on('error', () => {})
    this.#process.unref() // neither it nor its pipes keep this process running
    for (const pipe of [this.#process.stdin, this.#process.stderr]) if (pipe instanceof Socket) pipe.unref()
  }

  /** Sends one line, in the language of the guarding program. */
  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  /** Lets it clean up and waits until it has. May be called again. */
  release(): Promise<void> {
    this.#releasing ??= this.#release()
    return this.#releasing
  }

  async #release(): Promise<void> {
    const guard = this.#process
    guard.stdin.end()
    await poll(() => guard.pid === undefined || guard.exitCode !== null || guard.signalCode !== null, {
      what: `${guard.spawnfile} ${guard.spawnargs.slice(1).join(' ')} clears away`,
      timeoutMs: 60_000,
    })
    if (guard.exitCode === 0) return
    const reason = guard.pid === undefined ? 'it could not be started' : (await this.#complaints).trim()
    throw new Error(`clearing away failed (${guard.spawnargs.join(' ')}): ${reason}`)
  }
}
