import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { poll } from '../../scripts/broker/poll.js'
import type { EarlierBuild } from './earlier-build.js'
import { FakeClock } from './fake-clock.js'
import { entriesOf } from './ledger.js'
import { monotonicMs, READY, type Request } from './process.js'
import { hasOwnClock, seatName, type Seat } from './plan.js'

export interface CrewOptions extends Pick<Request, 'urls' | 'seed' | 'kinds' | 'redisUrl' | 'postgresUrl'> {
  /** The folder of the ledgers. */
  folder: string
  /** Total per second. */
  rate: number
  producers: number
  consumers: number
  /** Of the last producer and the last consumer. Undefined: this build. */
  earlier: EarlierBuild | undefined
  /** The file of libfaketime. Undefined: no clock can be set. */
  faketime: string | undefined
}

/** A process of one seat, and its file. */
export interface Shift {
  seat: Seat
  /** `producer-0.1` */
  name: string
  ledgerFile: string
}

const PAUSE_MS = 1000
/** A closing process waits up to 30 s for handlers and as long for confirms. */
const GRACE_MS = 180_000
/** A consumer looks for the end of each stream before it begins. */
const READY_WITHIN_MS = 900_000

/** The producers and consumers. When one ends, the next process takes its seat. */
export class Crew {
  /** All processes so far. */
  readonly shifts: Shift[] = []
  /** Processes that ended unasked, or did not end when asked. */
  readonly accidents: string[] = []
  readonly #options: CrewOptions
  readonly #realOffsetMs = Date.now() - monotonicMs()
  #stopped = false
  readonly #working = new Map<string, Worker>()

  constructor(options: CrewOptions) {
    this.#options = options
  }

  /** Resolves when the process works. */
  async start(seat: Seat): Promise<void> {
    const { folder, rate, producers, faketime } = this.#options
    const before = this.shifts.filter((shift) => seatName(shift.seat) === seatName(seat))
    const name = `${seatName(seat)}.${before.length + 1}`
    const ledgerFile = join(folder, `${name}.jsonl`)
    const last = seat.role === 'producer' ? await lastNumber(before) : undefined
    const from = last === undefined ? seat.index : last + producers
    this.shifts.push({ seat, name, ledgerFile })
    const clock = faketime !== undefined && hasOwnClock(seat) ? new FakeClock(faketime, `${folder}/${name}`) : undefined
    const worker = new Worker(
      { ...this.#requestOf(seat), name, ledgerFile, from, step: producers, rate: rate / producers },
      this.#programOf(seat),
      clock,
    )
    this.#working.set(seatName(seat), worker)
    void worker.ended.then((how) => {
      if (worker.asked) return
      this.accidents.push(`${name} ended by itself: ${how}`)
      void this.replace(seat)
    })
    await poll(() => worker.ready, { what: `${name} works`, timeoutMs: READY_WITHIN_MS })
  }

  /** The name of its process. */
  async nameOf(seat: Seat): Promise<string> {
    return (await this.at(seat)).name
  }

  /** Resolves to the name of the process when it has ended. */
  async end(seat: Seat, signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    const worker = await this.at(seat)
    const how = await worker.end(signal)
    if (signal === 'SIGTERM' && how !== '0') this.accidents.push(`${worker.name} ended after SIGTERM with ${how}`)
    return worker.name
  }

  /** The next process of a seat, after a pause. */
  async replace(seat: Seat): Promise<void> {
    await sleep(PAUSE_MS)
    if (!this.#stopped) await this.start(seat)
  }

  /** Kills all running processes. */
  stop(): void {
    this.#stopped = true
    for (const worker of this.#working.values()) void worker.end('SIGKILL')
  }

  #programOf({ role, index }: Seat): string {
    const { earlier, [`${role}s` as const]: count } = this.#options
    if (earlier && index === count - 1) return earlier[role]
    return fileURLToPath(new URL(`${role}.ts`, import.meta.url))
  }

  /** Each prefers another node. */
  #requestOf(seat: Seat) {
    const { urls, seed, kinds, redisUrl, postgresUrl, faketime } = this.#options
    const first = (seat.index + (seat.role === 'consumer' ? 1 : 0)) % urls.length
    const realOffsetMs = faketime !== undefined && hasOwnClock(seat) ? this.#realOffsetMs : undefined
    return { urls: [...urls.slice(first), ...urls.slice(0, first)], seed, kinds, redisUrl, postgresUrl, realOffsetMs }
  }

  /** The process of a seat, as soon as it works. */
  at(seat: Seat): Promise<Worker> {
    const working = () => {
      const worker = this.#working.get(seatName(seat))
      return worker?.ready && !worker.asked && worker
    }
    return poll(working, { what: `${seatName(seat)} works`, timeoutMs: READY_WITHIN_MS })
  }
}

class Worker {
  readonly name: string
  /** With how it ended. */
  readonly ended: Promise<string>
  asked = false
  ready = false
  readonly #child: ChildProcess
  readonly #clock: FakeClock | undefined

  constructor(request: Request, program: string, clock: FakeClock | undefined) {
    this.name = request.name
    this.#clock = clock
    const env = { ...process.env, ...clock?.environment }
    const child = (this.#child = fork(program, [JSON.stringify(request)], { env }))
    child.on('message', (message) => (this.ready ||= message === READY))
    this.ended = once(child, 'exit').then(([code, signal]) => {
      this.ready = false
      return String(signal ?? code)
    })
  }

  /** SIGSTOP. The result lets it go on. */
  freeze(): () => void {
    this.#child.kill('SIGSTOP')
    return () => void this.#child.kill('SIGCONT')
  }

  /** Sets its wall clock by so many seconds. The result sets it back. */
  setClock(seconds: number): () => void {
    this.#clock!.set(seconds)
    return () => this.#clock!.set(0)
  }

  /** Resolves to how it ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.asked = true
    this.#child.kill(signal)
    const late = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    const how = await this.ended
    clearTimeout(late)
    return how
  }
}

async function lastNumber(shifts: readonly Shift[]): Promise<number | undefined> {
  let last: number | undefined
  for (const { ledgerFile } of shifts.toReversed()) {
    for await (const entry of entriesOf(ledgerFile))
      if (entry.is === 'try') last = Math.max(last ?? 0, Number(entry.key))
    if (last !== undefined) return last
  }
  return undefined
}
