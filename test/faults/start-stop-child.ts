// start-stop-child.ts SETTINGS: starts and stops one part of dueque again and again, several at a time, while its connections
// are cut, silenced and refused and its queues are deleted. Prints `clean` and counts, if every operation ended within its
// time and nothing is left. Otherwise it prints what hung or is left, with seed, lane and step, and ends with 1.
import { setTimeout as pause } from 'node:timers/promises'
import { below, randomFrom } from '../../bench/soak/random.js'
import { isDuequeError } from '../../src/index.js'
import { setYoungQueues } from '../support/shortcuts.js'
import { FaultyLane, type Fault, type LaneSettings } from './start-stop-faults.js'
import { Rest } from './start-stop-rest.js'
import { SUBJECTS, type Prepared } from './start-stop-subjects.js'

export interface StartStopSettings extends LaneSettings {
  subject: keyof typeof SUBJECTS
  /** How often it is started and stopped. */
  count: number
  seed: number
  lanes: number
}

/** For schedules, which have an outcome of their own by then, and looks that a silent broker holds up. */
const WORK_MS = 90_000
const ROUNDS = 3

const settings = JSON.parse(process.argv[2]!) as StartStopSettings
const { subject, count, seed, lanes } = settings
const where = new Set<string>()
const outcomes = new Map<string, number>()

process.on('unhandledRejection', (error) => fail('an unhandled rejection', error))
process.on('uncaughtException', (error) => fail('an uncaught exception', error))
process.on('warning', (warning) => fail('a warning of Node', warning))

function fail(what: string, error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${what}, subject ${subject}, seed ${seed}, at ${[...where].join('; ') || 'rest'}: ${text}\n`)
  process.exit(1)
}

function counted(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}

/** Fails if an operation takes longer than its time. */
async function within<T>(what: string, ms: number, work: Promise<T>, step = ''): Promise<T> {
  const timer = setTimeout(() => fail(`hangs: ${what} took more than ${ms} ms`, step), ms)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

/** Errors that say in words what went wrong are outcomes. */
async function outcomeOf(what: string, ms: number, work: Promise<unknown>, step: string): Promise<void> {
  try {
    await within(what, ms, work, step)
    counted(`${what} succeeded`)
  } catch (error) {
    const isTold = isDuequeError(error) && error.code !== 'INVALID_OPTION'
    if (!isTold) fail(`${what} failed`, error)
    counted(`${what}: ${error.code}`)
  }
}

class Lane {
  readonly #random: () => number
  readonly #faulty: FaultyLane
  readonly #prepared: Prepared
  readonly #number: number
  #step = 0

  static async open(number: number): Promise<Lane> {
    const faulty = await FaultyLane.open(settings)
    const prepared = await SUBJECTS[subject](faulty, number)
    return new Lane(number, faulty, prepared)
  }

  private constructor(number: number, faulty: FaultyLane, prepared: Prepared) {
    this.#number = number
    this.#faulty = faulty
    this.#prepared = prepared
    this.#random = randomFrom(seed * 1000 + number)
  }

  async run(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) await this.#cycle()
  }

  async #cycle(): Promise<void> {
    const random = this.#random
    const fault = this.#faulty.pick(random)
    const [faultAfterMs, stopAfterMs] = [below(300, random), below(2, random) * below(600, random)]
    const name = `lane ${this.#number} step ${this.#step++} (${fault.name} after ${faultAfterMs} ms, stop after ${stopAfterMs} ms)`
    where.add(name)
    const faulting = pause(faultAfterMs).then(() => this.#fault(fault))
    await this.#startAndStop(name, stopAfterMs)
    await faulting
    where.delete(name)
  }

  async #fault(fault: Fault): Promise<void> {
    counted(`fault ${fault.name}`)
    await within(`the fault ${fault.name}`, WORK_MS, fault.run())
  }

  async #startAndStop(step: string, stopAfterMs: number): Promise<void> {
    const random = this.#random
    const controller = new AbortController()
    const running = this.#prepared.start({ random, signal: controller.signal })
    const { started } = running
    const { startMs } = this.#prepared
    // Behind its start.
    const stopMs = startMs + this.#prepared.stopMs
    const starting = outcomeOf('start', startMs, started, step)
    // Half of them are stopped while they start.
    if (below(2, random) === 0) await starting
    const work = running.work?.()
    await pause(stopAfterMs)
    if (below(3, random) === 0) controller.abort()
    const stop = () => outcomeOf('stop', stopMs, running.stop(), step)
    const stops = Array.from({ length: 1 + below(2, random) }, stop)
    await Promise.all([starting, ...stops, work && outcomeOf('work', WORK_MS, work, step)])
    // Idempotent.
    await stop()
    if (running.weak) rest.track(running.weak)
  }

  async close(): Promise<void> {
    await this.#prepared.close?.()
    await this.#faulty.close()
  }
}

setYoungQueues(false)
const open = await Promise.all(Array.from({ length: lanes }, (_, number) => Lane.open(number)))
const rest = new Rest(settings, fail)
// What is made once, such as the first consumer's connection of a lane, is there after the first round.
for (let round = 0; round <= ROUNDS; round++) {
  const steps = round === 0 ? 3 : Math.ceil(count / lanes / ROUNDS)
  await Promise.all(open.map((lane) => lane.run(steps)))
  await rest.reached(round)
}
await rest.assertNothingLeft()
for (const lane of open) await within('the end of a lane', WORK_MS, lane.close())
process.stdout.write(`clean ${JSON.stringify(Object.fromEntries([...outcomes].sort()))}\n`)
process.exit(0)
