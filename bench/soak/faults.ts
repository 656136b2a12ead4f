import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../../scripts/broker/say.js'
import type { Trouble } from '../../scripts/checker/history.js'
import { caughtUpAt } from './catching-up.js'
import type { Crew } from './crew.js'
import type { Nemeses } from './nemeses.js'
import { faultText, isNemesis, type Fault, type Nemesis } from './plan.js'
import { ProcessFaults } from './process-faults.js'

/** The effects of a nemesis after it, but for streams that are behind: leaders move, waiting publishes time out. */
const AFTER_MS = 30_000

/** Carries out a plan. */
export class Faults {
  /** The faults that were carried out. */
  readonly troubles: Trouble[] = []
  /** The number of faults by kind. */
  readonly done = new Map<Fault['does'], number>()
  readonly restartSeconds: number[] = []
  /** How long after each partition, or frozen node, until every node had all cancellations. */
  readonly behindSeconds: number[] = []
  readonly #catchingUp: Promise<void>[] = []
  readonly #urls: readonly string[]
  readonly #nemeses: Nemeses
  readonly #processFaults: ProcessFaults
  readonly #start = Date.now()

  /** @param urls of all nodes */
  constructor(urls: readonly string[], nemeses: Nemeses, crew: Crew) {
    this.#urls = urls
    this.#nemeses = nemeses
    this.#processFaults = new ProcessFaults(crew, () => nemeses.askable, this.troubles)
  }

  /**
   * Resolves when everything runs again. Nemeses come one at a time, and so do faults of processes; a fault that is late does
   * not shift the others, but one that would come after the end is left out.
   */
  async carryOut(plan: readonly Fault[], seconds: number): Promise<void> {
    const inTurn = async (faults: readonly Fault[]) => {
      for (const fault of faults) {
        await this.#until(fault.atSeconds)
        if (this.#elapsedSeconds() >= seconds) return
        await this.#carryOut(fault)
      }
    }
    await Promise.all([inTurn(plan.filter(isNemesis)), inTurn(plan.filter((fault) => !isNemesis(fault)))])
    await this.#until(seconds)
    await Promise.all(this.#catchingUp)
  }

  async #carryOut(fault: Fault): Promise<void> {
    const text = faultText(fault)
    say(`  ${this.#elapsedSeconds().toFixed(1)} s: ${text}`)
    if (isNemesis(fault)) await this.#harm(fault.does, fault, text)
    else await this.#processFaults.harm(fault, text)
    this.done.set(fault.does, (this.done.get(fault.does) ?? 0) + 1)
  }

  async #harm(does: Nemesis, { node, seconds }: { node: number; seconds: number }, what: string): Promise<void> {
    const from = Date.now()
    const forgets = /redis|postgres/.test(does)
    const trouble: Trouble = { what, from, to: Infinity, forgets }
    this.troubles.push(trouble)
    await this.#nemeses.harm(does, { node, seconds })
    trouble.to = Date.now() + AFTER_MS
    if (does.startsWith('partition') || does === 'freeze-node') this.#catchingUp.push(this.#catchUp(what, from))
    const took = (Date.now() - from) / 1000
    if (does === 'kill-node') this.restartSeconds.push(took)
    say(`  ${what}: over after ${took.toFixed(1)} s`)
  }

  /** Until then, consumers on a node that is behind may handle cancelled messages. */
  async #catchUp(what: string, from: number): Promise<void> {
    const over = Date.now()
    const trouble: Trouble = { what, from, to: Infinity, exceeds: 'partition' }
    this.troubles.push(trouble)
    trouble.to = await caughtUpAt(this.#urls)
    this.behindSeconds.push((trouble.to - over) / 1000)
  }

  #elapsedSeconds(): number {
    return (Date.now() - this.#start) / 1000
  }

  async #until(seconds: number): Promise<void> {
    await sleep(Math.max(0, this.#start + seconds * 1000 - Date.now()))
  }
}
