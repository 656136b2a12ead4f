import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { poll } from '../../scripts/broker/poll.js'
import { OPERATOR, type LaneSettings } from './start-stop-faults.js'

/** For sockets that end, timers of reconnects, and connections for a look that a silent broker holds up. */
const REST_MS = 60_000
/** RabbitMQ tells of connections by statistics that it gathers so often. */
const STATISTICS_MS = 6000
const MANAGEMENT_MS = 60_000
/** Those that were stopped last may still be referred to, however many there were. */
const MOST_ALIVE = 16
const MOST_GROWTH = 12_000_000

/** What is left of a part of dueque when all of it was stopped. */
export class Rest {
  readonly #settings: LaneSettings
  readonly #fail: (what: string, error: unknown) => never
  readonly #collect: () => void
  readonly #stopped: WeakRef<object>[] = []
  readonly #heaps: number[] = []
  #resources: Map<string, number> | undefined
  #atBroker: number | undefined

  constructor(settings: LaneSettings, fail: (what: string, error: unknown) => never) {
    this.#settings = settings
    this.#fail = fail
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
  }

  /** One that is to be collected. */
  track(object: WeakRef<object>): void {
    this.#stopped.push(object)
  }

  /** Waits until no more is left than after the first round. */
  async reached(round: number): Promise<void> {
    if (round === 0) await this.#first()
    const left = () => [...resources()].filter(([type, count]) => count > (this.#resources!.get(type) ?? 0))
    await poll(() => left().length === 0, { timeoutMs: REST_MS, what: 'nothing to be left' }).catch(() =>
      this.#fail(
        `leaks after round ${round}`,
        `${JSON.stringify(left())}, at first ${JSON.stringify([...this.#resources!])}; sockets ${sockets().join(', ')}`,
      ),
    )
    this.#heaps.push(await this.#heap())
  }

  /** At the end. */
  async assertNothingLeft(): Promise<void> {
    await this.#assertGoneAtBroker()
    const [, first, ...others] = this.#heaps
    const alive = this.#stopped.filter((one) => one.deref() !== undefined).length
    process.stderr.write(
      `${this.#stopped.length} tracked, ${alive} alive, heap ${this.#heaps.map((b) => (b / 1e6).toFixed(1)).join(', ')} MB\n`,
    )
    if (alive > MOST_ALIVE) this.#fail('memory leaks', `${alive} of ${this.#stopped.length} are not collected`)
    const growth = others.at(-1)! - first!
    if (growth > MOST_GROWTH) this.#fail('memory leaks', `the heap grew by ${growth} bytes: ${this.#heaps.join(', ')}`)
  }

  async #first(): Promise<void> {
    await this.#settled()
    this.#resources = resources()
    const { management } = this.#settings
    if (management === undefined) return
    await pause(STATISTICS_MS)
    this.#atBroker = (await this.#open(management)).length
  }

  /** Until the resources stay the same for a second. */
  async #settled(): Promise<void> {
    let [before, since] = ['', performance.now()]
    const isSettled = () => {
      const now = JSON.stringify([...resources()])
      if (now !== before) [before, since] = [now, performance.now()]
      return performance.now() - since > 1000
    }
    await poll(isSettled, { timeoutMs: REST_MS, what: 'the first rest' })
  }

  async #heap(): Promise<number> {
    for (let i = 0; i < 4; i++) {
      this.#collect()
      await new Promise(setImmediate)
    }
    return process.memoryUsage().heapUsed
  }

  /** Connections and channels, but for those of the lanes. */
  async #assertGoneAtBroker(): Promise<void> {
    const { management } = this.#settings
    if (management === undefined) return
    let now: string[] = []
    const isGone = async () => (now = await this.#open(management)).length <= this.#atBroker!
    await poll(isGone, { timeoutMs: MANAGEMENT_MS, intervalMs: 500, what: 'nothing to be left at the broker' }).catch(
      () => this.#fail('leaks at the broker', `at first ${this.#atBroker}, now ${now.length}: ${now.join(', ')}`),
    )
  }

  async #open(management: string): Promise<string[]> {
    const { username, password, pathname } = new URL(this.#settings.url)
    const authorization = `Basic ${Buffer.from(`${username || 'guest'}:${password || 'guest'}`).toString('base64')}`
    const ask = async <T>(what: string) => {
      const answer = await fetch(`${management}/api/vhosts${pathname}/${what}`, { headers: { authorization } })
      return (await answer.json()) as T[]
    }
    const connections = await ask<{ client_properties?: { connection_name?: string }; name: string }>('connections')
    const channels = await ask<{ name: string }>('channels')
    const ofOthers = connections.filter(({ client_properties: of }) => of?.connection_name !== OPERATOR)
    return [
      ...ofOthers.map(({ name, client_properties: of }) => `${of?.connection_name} ${name}`),
      ...channels.map(({ name }) => name),
    ]
  }
}

/** The ports of the open ones. */
function sockets(): string[] {
  const handles = (process as unknown as { _getActiveHandles: (this: unknown) => unknown[] })._getActiveHandles
  const all = handles.call(process).filter((handle) => handle instanceof Socket)
  return all.filter(({ destroyed }) => !destroyed).map(({ localPort, remotePort }) => `${localPort}→${remotePort}`)
}

/** What would keep the process alive, by its type. Timers that are not waited for are not among them. */
function resources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  // A proxy resets sockets that still connect: those are destroyed, and let go of later.
  counts.set('TCPSocketWrap', sockets().length)
  return counts
}
