import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compiled } from '../compiled.js'
import { Guard } from './guard.js'
import { killGroup } from './kill-group.js'
import { killTree } from './kill-tree.js'
import { poll } from './poll.js'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const GUARD = new URL('process-guard.ts', import.meta.url)

export interface Program {
  command: string
  args: readonly string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** For programs that refuse to run as root. */
  user?: { uid: number; gid: number } | undefined
}

export interface PrivateProcessOptions {
  /** For error messages: "Redis of /usr/bin". */
  what: string
  /** A temporary folder, to be deleted at the end. */
  folder: string
  program: Program
  /** Resolves to the server's version when it serves clients, and fails until then. */
  greet: () => Promise<string>
  /** Time until it greets, at each start. */
  startTimeoutMs: number
  /** Logs in the folder whose last lines explain a failed start, besides what the program prints. */
  logs?: readonly string[]
  /** More arguments of process-guard.ts. */
  guardArguments?: readonly string[]
  /** The command before that of the server and of its guard, which becomes them: `nsenter …`. @default none */
  enter?: readonly string[]
}

/**
 * A private server in a temporary folder that can be killed and restarted. A guard (see guard.ts) removes it and its
 * folder when this process ends without `stop`.
 */
export class PrivateProcess {
  /** Runs a program that prepares the folder, if given, then the server; resolves when it serves clients. */
  static async start(options: PrivateProcessOptions, preparation?: Program): Promise<PrivateProcess> {
    const started = new PrivateProcess(options)
    try {
      if (preparation) await started.#prepare(preparation)
      await started.#boot()
    } catch (error) {
      await started.stop()
      throw error
    }
    return started
  }

  readonly #options: PrivateProcessOptions
  readonly #guard: Guard
  #version = ''
  #process: ChildProcess | undefined
  #stopped = false

  private constructor(options: PrivateProcessOptions) {
    const { folder, guardArguments = [], enter = [] } = options
    this.#options = options
    const [command, ...args] = [...enter, process.execPath, compiled(GUARD), folder, ...guardArguments]
    this.#guard = new Guard(command!, args, PROJECT)
  }

  get version(): string {
    return this.#version
  }

  /** Undefined if it does not run. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** SIGSTOP of the server and its children: it stands still, and its connections stay open, until `thaw`. */
  freeze(): void {
    if (this.pid !== undefined) killGroup(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    if (this.pid !== undefined) killGroup(this.pid, 'SIGCONT')
  }

  /** kill -9 of the server and its children; resolves when they are gone. Its data stay. */
  async kill(): Promise<void> {
    if (this.#process?.pid !== undefined) await killTree(this.#process.pid)
    await this.#gone()
  }

  /** Stops gracefully, by a signal; resolves when the server has ended. Its data stay. */
  async shutdown(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#process?.kill(signal)
    await this.#gone()
  }

  /** Starts it again after `kill` or `shutdown`: same data, same ports. Resolves when it serves clients. */
  async restart(): Promise<void> {
    if (this.#stopped) throw new Error('restart() came after stop(): the data are deleted')
    if (this.#process) throw new Error('restart() is for a server that was killed or shut down; this one runs')
    await this.#boot()
  }

  /** Ends its processes and deletes its folder. May be called again. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.#guard.release()
  }

  async #prepare(program: Program): Promise<void> {
    const preparing = this.#spawn(program)
    await this.#gone()
    if (preparing.exitCode === 0) return
    throw new Error(`${program.command} failed:\n${await this.#lastLines()}`)
  }

  async #boot(): Promise<void> {
    const { what, program, greet, startTimeoutMs } = this.#options
    const server = this.#spawn(program)
    const outcome = await poll(() => (hasEnded(server) ? 'ended' : greet()), {
      what: `${what} takes clients`,
      timeoutMs: startTimeoutMs,
      intervalMs: 50,
    }).catch((error: unknown) => error as Error)
    if (outcome instanceof Error) throw new Error(`${outcome.message}\n${await this.#lastLines()}`, { cause: outcome })
    if (outcome === 'ended') throw new Error(`${what} ended while starting:\n${await this.#lastLines()}`)
    this.#version = outcome
  }

  #spawn({ command, args, env, cwd, user }: Program): ChildProcess {
    const output = openSync(this.#outputFile, 'a')
    const [first, ...rest] = [...(this.#options.enter ?? []), command, ...args]
    const spawned = spawn(first!, rest, {
      env: env ?? process.env,
      ...(cwd !== undefined && { cwd }),
      ...user,
      detached: true, // a process group of its own: out of reach of Ctrl-C, and killed as a whole
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    spawned.on('error', () => {}) // seen by hasEnded
    spawned.unref()
    this.#guard.tell(String(spawned.pid ?? ''))
    this.#process = spawned
    return spawned
  }

  async #gone(): Promise<void> {
    const process = this.#process
    if (!process) return
    const { what } = this.#options
    await poll(() => hasEnded(process), { what: `${what} is gone`, timeoutMs: 60_000, intervalMs: 5 })
    this.#guard.tell('')
    this.#process = undefined
  }

  get #outputFile(): string {
    return join(this.#options.folder, 'output.log')
  }

  async #lastLines(): Promise<string> {
    const { folder, logs = [] } = this.#options
    const files = [this.#outputFile, ...logs.map((name) => join(folder, name))]
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
    return texts
      .map((text) => text.trimEnd().split('\n').slice(-15).join('\n'))
      .join('\n')
      .trim()
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}
