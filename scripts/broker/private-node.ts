import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants, existsSync, openSync, closeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { greet } from './greet.js'
import { Guard } from './guard.js'
import { killGroup } from './kill-group.js'
import { newNodeName, prepareNode, type Membership, type NodeFiles } from './node-files.js'
import { poll } from './poll.js'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const GUARD = fileURLToPath(new URL('node-guard.ts', import.meta.url))

export interface PrivateNodeOptions {
  /** Folder that holds rabbitmq-server and rabbitmqctl. */
  programs: string
  /** With the management plugin. @default true */
  management?: boolean
  /** With docker/advanced.config, the settings that the project recommends. @default true */
  advanced?: boolean
  /** Counts in the management API are at most 2 seconds old instead of 10, which costs the node work. @default false */
  freshCounts?: boolean
  /** Time for the node to take clients, at each start. @default 180_000 */
  startTimeoutMs?: number
  /** Makes it the node of this name in a cluster: see private-cluster.ts. */
  member?: { name: string; cluster: Membership }
}

/**
 * A RabbitMQ node of one's own, to be killed and restarted at will: temporary folder, random loopback ports, own
 * epmd and Erlang cookie. A guard (see guard.ts) takes it away when this process ends without `stop`.
 */
export class PrivateNode {
  /** Starts a node; resolves when it takes clients. */
  static async start(options: PrivateNodeOptions): Promise<PrivateNode> {
    const { management = true, advanced = true, freshCounts = false, startTimeoutMs = 180_000 } = options
    const { name = newNodeName(), cluster } = options.member ?? {}
    const programs = programsIn(options.programs)
    const files = await prepareNode({ programs, management, advanced, freshCounts, name, cluster })
    const guarded = [files.folder, String(files.ports.epmd), ...(cluster ? ['shared'] : [])]
    const guard = new Guard(process.execPath, ['--import', 'tsx', GUARD, ...guarded], PROJECT)
    const node = new PrivateNode(programs, files, { management, startTimeoutMs, guard })
    try {
      await node.#boot()
    } catch (error) {
      await node.stop()
      throw error
    }
    return node
  }

  /** Folder of the programs that it runs. */
  readonly programs: string
  /** Of the Erlang node: `dueque-…@localhost`. */
  readonly name: string
  readonly url: string
  /** Basic authentication as guest, guest. */
  readonly managementUrl: string | undefined
  readonly #files: NodeFiles
  readonly #guard: Guard
  readonly #startTimeoutMs: number
  #version = ''
  #vm: ChildProcess | undefined
  #stopped = false

  private constructor(programs: string, files: NodeFiles, { management, startTimeoutMs, guard }: Kept) {
    const { name, ports } = files
    this.programs = programs
    this.name = name
    this.url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`
    this.managementUrl = management ? `http://127.0.0.1:${ports.management}` : undefined
    this.#files = files
    this.#startTimeoutMs = startTimeoutMs
    this.#guard = guard
  }

  get version(): string {
    return this.#version
  }

  /** Runs rabbitmqctl against this node and returns its output. */
  async ctl(...args: string[]): Promise<string> {
    const command = ['--node', this.name, ...args]
    const { stdout } = await promisify(execFile)(join(this.programs, 'rabbitmqctl'), command, {
      env: this.#files.environment,
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout
  }

  /** kill -9 of the Erlang VM; resolves when it is gone. Its data stay. */
  async kill(): Promise<void> {
    if (this.#vm?.pid !== undefined) killGroup(this.#vm.pid, 'SIGKILL')
    await this.#gone()
  }

  /** Stops in an orderly way, as a service manager does; resolves when the VM is gone. Its data stay. */
  async shutdown(): Promise<void> {
    this.#vm?.kill('SIGTERM')
    await this.#gone()
  }

  /** Starts it again after `kill` or `shutdown`: same data, same ports. Resolves when it takes clients. */
  async restart(): Promise<void> {
    if (this.#stopped) throw new Error('restart() came after stop(): the data are deleted')
    if (this.#vm) throw new Error('restart() is for a node that was killed or shut down; this one runs')
    await this.#boot()
  }

  /** Ends its processes and deletes its folder. May be called again. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.#guard.release()
  }

  async #boot(): Promise<void> {
    const vm = this.#spawn()
    const outcome = await poll(() => (hasEnded(vm) ? 'ended' : greet(this.url, this.managementUrl)), {
      what: `RabbitMQ of ${this.programs} takes clients`,
      timeoutMs: this.#startTimeoutMs,
      intervalMs: 100,
    }).catch((error: unknown) => error as Error)
    if (outcome instanceof Error) throw new Error(`${outcome.message}\n${await this.#lastLines()}`, { cause: outcome })
    if (outcome === 'ended') {
      throw new Error(`RabbitMQ of ${this.programs} ended while starting:\n${await this.#lastLines()}`)
    }
    this.#version = outcome
  }

  #spawn(): ChildProcess {
    const output = openSync(this.#files.outputFile, 'a')
    const vm = spawn(join(this.programs, 'rabbitmq-server'), [], {
      env: this.#files.environment,
      detached: true, // a process group of its own: out of reach of Ctrl-C, and killed as a whole
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    vm.on('error', () => {}) // seen by hasEnded
    vm.unref()
    this.#guard.tell(String(vm.pid ?? ''))
    this.#vm = vm
    return vm
  }

  async #gone(): Promise<void> {
    const vm = this.#vm
    if (!vm) return
    await poll(() => hasEnded(vm), { what: 'the Erlang VM is gone', timeoutMs: 60_000, intervalMs: 5 })
    this.#guard.tell('')
    this.#vm = undefined
  }

  async #lastLines(): Promise<string> {
    const { outputFile, logFile } = this.#files
    const texts = await Promise.all([outputFile, logFile].map((file) => readFile(file, 'utf8').catch(() => '')))
    return texts
      .map((text) => text.trimEnd().split('\n').slice(-15).join('\n'))
      .join('\n')
      .trim()
  }
}

interface Kept {
  management: boolean
  startTimeoutMs: number
  guard: Guard
}

/** The folder to run programs from: Debian's /usr/sbin has wrappers that change to user rabbitmq. */
function programsIn(folder: string): string {
  const unwrapped = '/usr/lib/rabbitmq/bin'
  const wrapped = resolve(folder) === '/usr/sbin' && existsSync(join(unwrapped, 'rabbitmq-server'))
  const programs = wrapped ? unwrapped : resolve(folder)
  for (const program of ['rabbitmq-server', 'rabbitmqctl']) {
    try {
      accessSync(join(programs, program), constants.X_OK)
    } catch (cause) {
      throw new Error(`${programs} is no folder of RabbitMQ's programs: no ${program} that can be run in it`, { cause })
    }
  }
  return programs
}

function hasEnded(vm: ChildProcess): boolean {
  return vm.pid === undefined || vm.exitCode !== null || vm.signalCode !== null
}
