import { setTimeout as sleep } from 'node:timers/promises'
import { poll } from '../../scripts/broker/poll.js'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import type { Trouble } from '../../scripts/checker/history.js'
import { brokerAt } from '../broker.js'
import type { Crew } from './crew.js'
import type { Fault, ProcessFault, Seat } from './plan.js'

const AFTER_CUT_MS = 5_000
/** The broker may take so long to notice that a process stood still, and to hand its messages to another. */
const AFTER_FREEZE_MS = 30_000

export type OnProcess = Extract<Fault, { does: ProcessFault }>

/** Faults of producers and consumers. */
export class ProcessFaults {
  readonly #crew: Crew
  readonly #askable: () => PrivateNode
  readonly #troubles: Trouble[]

  constructor(crew: Crew, askable: () => PrivateNode, troubles: Trouble[]) {
    this.#crew = crew
    this.#askable = askable
    this.#troubles = troubles
  }

  /** Resolves when a process works on its seat again. */
  harm(fault: OnProcess, what: string): Promise<void> {
    const { seat, does, seconds, stepSeconds } = fault
    switch (does) {
      case 'cut':
        return this.#cut(seat, what)
      case 'kill':
      case 'terminate':
        return this.#end(seat, does, what)
      case 'freeze':
        return this.#during(seat, seconds, { what, afterMs: AFTER_FREEZE_MS, forgets: true }, (process) =>
          process.freeze(),
        )
      case 'clock':
        return this.#during(seat, seconds, { what, afterMs: AFTER_CUT_MS, exceeds: 'clock' }, (process) =>
          process.setClock(stepSeconds),
        )
    }
  }

  async #cut(seat: Seat, what: string): Promise<void> {
    const name = await this.#crew.nameOf(seat)
    const from = Date.now()
    // The management API is some seconds behind, and asks nodes that may be killed meanwhile.
    const cut = () => this.#closeConnections(name).then(() => true)
    await poll(cut, { what, timeoutMs: 300_000, intervalMs: 1000 })
    this.#troubles.push({ what, process: name, from, to: Date.now() + AFTER_CUT_MS })
  }

  async #closeConnections(name: string): Promise<void> {
    const { url, managementUrl } = this.#askable()
    const { ask } = brokerAt(url, managementUrl!)
    const all = await ask<{ name: string; user_provided_name?: string }[]>('/connections')
    const its = all.filter(({ user_provided_name: given }) => given?.startsWith(`${name} `))
    if (its.length === 0) throw new Error(`${name} has no connection`)
    await Promise.all(its.map((one) => ask(`/connections/${encodeURIComponent(one.name)}`, 'DELETE')))
  }

  async #end(seat: Seat, does: 'kill' | 'terminate', what: string): Promise<void> {
    const signal = does === 'kill' ? 'SIGKILL' : 'SIGTERM'
    const from = Date.now()
    const process = await this.#crew.end(seat, signal)
    // A consumer that closes gracefully leaves no copies, and neither does a producer that has stopped sending.
    if (signal === 'SIGKILL' && seat.role === 'consumer')
      this.#troubles.push({ what, process, from, to: Date.now(), forgets: true })
    await this.#crew.replace(seat)
  }

  async #during(
    seat: Seat,
    seconds: number,
    { afterMs, ...trouble }: Pick<Trouble, 'what' | 'exceeds' | 'forgets'> & { afterMs: number },
    begin: (process: { freeze: () => () => void; setClock: (seconds: number) => () => void }) => () => void,
  ): Promise<void> {
    const process = await this.#crew.at(seat)
    const kept: Trouble = { ...trouble, process: process.name, from: Date.now(), to: Infinity }
    this.#troubles.push(kept)
    const end = begin(process)
    try {
      await sleep(seconds * 1000)
    } finally {
      end()
      kept.to = Date.now() + afterMs
    }
  }
}
