import { setTimeout as sleep } from 'node:timers/promises'
import { poll } from '../../scripts/broker/poll.js'
import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { say } from '../../scripts/broker/say.js'
import { brokerAt } from '../broker.js'
import type { Trouble } from './books.js'
import type { Crew } from './crew.js'
import { faultText, type Fault, type Seat } from './plan.js'

/** The effects of a killed node after its restart: leaders move, waiting publishes time out. */
const AFTER_KILL_MS = 30_000
const AFTER_CUT_MS = 5_000

/** Carries out a plan. */
export class Faults {
  /** The faults that were carried out. */
  readonly troubles: Trouble[] = []
  /** The number of faults by kind. */
  readonly done = new Map<Fault['does'], number>()
  readonly restartSeconds: number[] = []
  readonly #cluster: PrivateCluster
  readonly #crew: Crew
  readonly #start = Date.now()
  #down: PrivateNode | undefined

  constructor(cluster: PrivateCluster, crew: Crew) {
    this.#cluster = cluster
    this.#crew = crew
  }

  /**
   * Resolves when everything runs again. Nodes are killed one at a time, and so are processes; a fault that is late does
   * not shift the others, but one that would come after the end is left out.
   */
  async carryOut(plan: readonly Fault[], seconds: number): Promise<void> {
    const isNode = ({ does }: Fault) => does === 'kill-node'
    const inTurn = async (faults: readonly Fault[]) => {
      for (const fault of faults) {
        await this.#until(fault.atSeconds)
        if (this.#elapsedSeconds() >= seconds) return
        await this.#carryOut(fault)
      }
    }
    await Promise.all([inTurn(plan.filter(isNode)), inTurn(plan.filter((fault) => !isNode(fault)))])
    await this.#until(seconds)
  }

  async #carryOut(fault: Fault): Promise<void> {
    const text = faultText(fault)
    say(`  ${this.#elapsedSeconds().toFixed(1)} s: ${text}`)
    if (fault.does === 'kill-node') await this.#killNode(fault.node, text)
    else if (fault.does === 'cut') await this.#cut(fault.seat, text)
    else await this.#endProcess(fault.seat, fault.does, text)
    this.done.set(fault.does, (this.done.get(fault.does) ?? 0) + 1)
  }

  async #killNode(index: number, what: string): Promise<void> {
    const node = this.#cluster.nodes[index]!
    this.#down = node
    const from = Date.now()
    const trouble: Trouble = { what, from, to: Infinity }
    this.troubles.push(trouble)
    await node.kill()
    await node.restart()
    this.#down = undefined
    trouble.to = Date.now() + AFTER_KILL_MS
    const seconds = (Date.now() - from) / 1000
    this.restartSeconds.push(seconds)
    say(`  node ${index} takes clients again after ${seconds.toFixed(1)} s`)
  }

  async #cut(seat: Seat, what: string): Promise<void> {
    const name = await this.#crew.nameOf(seat)
    const from = Date.now()
    // The management API is some seconds behind, and asks nodes that may be killed meanwhile.
    const cut = () => this.#closeConnections(name).then(() => true)
    await poll(cut, { what, timeoutMs: 300_000, intervalMs: 1000 })
    this.troubles.push({ what, process: name, from, to: Date.now() + AFTER_CUT_MS })
  }

  async #closeConnections(name: string): Promise<void> {
    const { url, managementUrl } = this.#cluster.nodes.find((one) => one !== this.#down)!
    const { ask } = brokerAt(url, managementUrl!)
    const all = await ask<{ name: string; user_provided_name?: string }[]>('/connections')
    const its = all.filter(({ user_provided_name: given }) => given?.startsWith(`${name} `))
    if (its.length === 0) throw new Error(`${name} has no connection`)
    await Promise.all(its.map((one) => ask(`/connections/${encodeURIComponent(one.name)}`, 'DELETE')))
  }

  async #endProcess(seat: Seat, does: 'kill' | 'terminate', what: string): Promise<void> {
    const signal = does === 'kill' ? 'SIGKILL' : 'SIGTERM'
    const from = Date.now()
    const process = await this.#crew.end(seat, signal)
    // A consumer that closes gracefully leaves no copies, and neither does a producer that has stopped sending.
    if (signal === 'SIGKILL' && seat.role === 'consumer') this.troubles.push({ what, process, from, to: Date.now() })
    await this.#crew.replace(seat)
  }

  #elapsedSeconds(): number {
    return (Date.now() - this.#start) / 1000
  }

  async #until(seconds: number): Promise<void> {
    await sleep(Math.max(0, this.#start + seconds * 1000 - Date.now()))
  }
}
