import { execFile, execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Host } from './host.js'
import { poll } from './poll.js'
import { PrivateProcess } from './private-process.js'
import { serverFolder } from './server-folder.js'

const run = promisify(execFile)

/**
 * Hosts that see each other through a router, each with an address and a network namespace of its own, on this machine, which
 * reaches all of them. The router drops what a partition forbids, in silence. Needs root on Linux.
 */
export class PrivateNetwork {
  /** Why there can be no private network on this machine. Undefined: there can be one. */
  static obstacle(): string | undefined {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux'
    try {
      execFileSync('unshare', ['-n', 'ip', 'rule', 'list'], { stdio: 'pipe' })
      execFileSync('nsenter', ['--version'], { stdio: 'pipe' })
      return undefined
    } catch (error) {
      return `network namespaces cannot be made: ${(error as Error).message.split('\n')[0]}`
    }
  }

  static async start(size: number): Promise<PrivateNetwork> {
    const [router, ...machines] = await Promise.all(Array.from({ length: size + 1 }, newMachine))
    const network = new PrivateNetwork(router!, machines)
    try {
      await network.#connect()
    } catch (error) {
      await network.stop()
      throw error
    }
    return network
  }

  readonly hosts: readonly Host[]
  readonly #router: Machine
  readonly #machines: readonly Machine[]
  /** 10.A.B */
  readonly #prefix = `10.${randomInt(1, 255)}.${randomInt(1, 255)}`
  #cuts = 0

  private constructor(router: Machine, machines: readonly Machine[]) {
    this.#router = router
    this.#machines = machines
    this.hosts = machines.map(({ enter }, i) => ({ enter, address: this.#address(i) }))
  }

  /** From now on, packets from one host to the other are dropped. Hosts are numbers from 0. */
  async cut(from: number, to: number): Promise<void> {
    const rule = ['from', this.#address(from), 'to', this.#address(to), 'blackhole', 'pref', String(++this.#cuts)]
    await this.#inRouter('rule', 'add', ...rule)
  }

  /** All hosts see each other again. */
  async heal(): Promise<void> {
    for (; this.#cuts > 0; this.#cuts--) await this.#inRouter('rule', 'del', 'pref', String(this.#cuts))
  }

  /** Ends what runs in it but servers, which their owners stop before. */
  async stop(): Promise<void> {
    await Promise.all([...this.#machines, this.#router].map(({ holder }) => holder.stop()))
  }

  async #connect(): Promise<void> {
    const prefix = this.#prefix
    const name = `dq${randomInt(2 ** 32).toString(16)}`
    await this.#inRouter('link', 'set', 'lo', 'up')
    await run(this.#router.enter[0]!, [...this.#router.enter.slice(1), 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'outside', 'netns', this.#router.pid)
    await ip('addr', 'add', `${prefix}.1/30`, 'dev', name)
    await ip('link', 'set', name, 'up')
    await this.#inRouter('addr', 'add', `${prefix}.2/30`, 'dev', 'outside')
    await this.#inRouter('link', 'set', 'outside', 'up')
    await ip('route', 'add', `${prefix}.0/24`, 'via', `${prefix}.2`)
    for (const [i, machine] of this.#machines.entries()) await this.#plug(machine, i)
  }

  async #plug({ pid, enter }: Machine, i: number): Promise<void> {
    const [name, gateway] = [`host${i}`, `${this.#prefix}.${4 * i + 5}`]
    const inside = (...args: string[]) => run(enter[0]!, [...enter.slice(1), 'ip', ...args])
    await this.#inRouter('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid)
    await this.#inRouter('addr', 'add', `${gateway}/30`, 'dev', name)
    await this.#inRouter('link', 'set', name, 'up')
    await inside('link', 'set', 'lo', 'up')
    await inside('addr', 'add', `${this.#address(i)}/30`, 'dev', 'eth0')
    await inside('link', 'set', 'eth0', 'up')
    await inside('route', 'add', 'default', 'via', gateway)
  }

  #address(i: number): string {
    return `${this.#prefix}.${4 * i + 6}`
  }

  async #inRouter(...args: string[]): Promise<void> {
    const [command, ...rest] = this.#router.enter
    await run(command!, [...rest, 'ip', ...args])
  }
}

/** A network namespace, which lives as long as the process that holds it. */
interface Machine {
  holder: PrivateProcess
  pid: string
  enter: readonly string[]
}

async function newMachine(): Promise<Machine> {
  const holder = await PrivateProcess.start({
    what: 'a network namespace',
    folder: await serverFolder('dueque-net-'),
    program: { command: 'unshare', args: ['--net', 'sleep', 'infinity'] },
    greet: () => Promise.resolve('0'),
    startTimeoutMs: 10_000,
  })
  const pid = String(holder.pid)
  await poll(() => readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net'), {
    what: 'a network namespace',
    timeoutMs: 10_000,
    intervalMs: 5,
  })
  return { holder, pid, enter: ['nsenter', '--target', pid, '--net'] }
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args)
}
