import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { greet } from './greet.js'
import { newNodeName, prepareNode, type Membership, type NodeFiles } from './node-files.js'
import { THIS_MACHINE, type Host } from './host.js'
import { PrivateProcess } from './private-process.js'

export interface PrivateNodeOptions {
  /** Folder that holds rabbitmq-server and rabbitmqctl. */
  programs: string
  /** With the management plugin. @default true */
  management?: boolean
  /** More plugins that come with RabbitMQ. @default none */
  plugins?: readonly string[]
  /** With docker/advanced.config, the settings that the project recommends. @default true */
  advanced?: boolean
  /** Counts in the management API are at most 3 seconds old instead of 10, which costs the node work. @default false */
  freshCounts?: boolean
  /** After about so long, a node takes a silent other node for lost. @default 60, RabbitMQ's own */
  netTickSeconds?: number
  /** Feature flags that are enabled; others are not. RabbitMQ 3.12 and later enables most of them all the same. */
  featureFlags?: readonly string[]
  /** Time for the node to take clients, at each start. @default 180_000 */
  startTimeoutMs?: number
  /** Makes it the node of this name in a cluster: see private-cluster.ts. */
  member?: { name: string; cluster: Membership; host?: Host | undefined }
}

/**
 * A private RabbitMQ node that can be killed and restarted (see private-process.ts): temporary folder, random loopback
 * ports, its own epmd and Erlang cookie.
 */
export class PrivateNode {
  /** Starts a node; resolves when it takes clients. */
  static async start(options: PrivateNodeOptions): Promise<PrivateNode> {
    const { management = true, advanced = true, freshCounts = false, plugins = [], startTimeoutMs = 180_000 } = options
    const { name = newNodeName(), cluster, host } = options.member ?? {}
    const programs = programsIn(options.programs)
    const settings = { management, plugins, advanced, freshCounts, netTickSeconds: options.netTickSeconds }
    const files = await prepareNode({ programs, ...settings, name, cluster, host })
    const { folder, ports, environment } = files
    if (options.featureFlags) environment['RABBITMQ_FEATURE_FLAGS'] = options.featureFlags.join(',')
    const { address, enter } = host ?? THIS_MACHINE
    const url = `amqp://guest:guest@${address}:${ports.amqp}`
    const managementUrl = management ? `http://${address}:${ports.management}` : undefined
    const vm = await PrivateProcess.start({
      what: `RabbitMQ of ${programs}`,
      folder,
      program: { command: join(programs, 'rabbitmq-server'), args: [], env: environment },
      greet: () => greet(url, managementUrl),
      startTimeoutMs,
      logs: [basename(files.logFile)],
      guardArguments: [String(ports.epmd), ...(cluster && !host ? ['shared'] : [])],
      enter,
    })
    return new PrivateNode(vm, { programs, files, url, managementUrl, enter })
  }

  /** Folder of the programs that it runs. */
  readonly programs: string
  /** Of the Erlang node: `dueque-…@localhost`. */
  readonly name: string
  readonly url: string
  /** Basic authentication as guest, guest. */
  readonly managementUrl: string | undefined
  readonly #files: NodeFiles
  readonly #enter: readonly string[]
  readonly #vm: PrivateProcess

  private constructor(vm: PrivateProcess, { programs, files, url, managementUrl, enter }: Kept) {
    this.programs = programs
    this.name = files.name
    this.url = url
    this.managementUrl = managementUrl
    this.#files = files
    this.#enter = enter
    this.#vm = vm
  }

  get version(): string {
    return this.#vm.version
  }

  /** Runs rabbitmqctl against this node and returns its output. */
  async ctl(...args: string[]): Promise<string> {
    const [command, ...rest] = [...this.#enter, join(this.programs, 'rabbitmqctl'), '--node', this.name, ...args]
    const { stdout } = await promisify(execFile)(command!, rest, {
      env: this.#files.environment,
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout
  }

  /** kill -9 of the Erlang VM; resolves when it is gone. Its data stay. */
  kill(): Promise<void> {
    return this.#vm.kill()
  }

  /** SIGSTOP of the Erlang VM: it stands still, with its connections open, until `thaw`. */
  freeze(): void {
    this.#vm.freeze()
  }

  thaw(): void {
    this.#vm.thaw()
  }

  /** Stops gracefully, as a service manager does; resolves when the VM has ended. Its data stay. */
  shutdown(): Promise<void> {
    return this.#vm.shutdown()
  }

  /** Starts it again after `kill` or `shutdown`: same data, same ports. Resolves when it takes clients. */
  restart(): Promise<void> {
    return this.#vm.restart()
  }

  /** Ends its processes and deletes its folder. May be called again. */
  stop(): Promise<void> {
    return this.#vm.stop()
  }
}

interface Kept {
  programs: string
  files: NodeFiles
  url: string
  managementUrl: string | undefined
  enter: readonly string[]
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
