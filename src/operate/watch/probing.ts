import { setTimeout as pause } from 'node:timers/promises'
import type { OperatorSettings } from '../operator-settings.js'
import { Probe, PROBE_PATIENCE_MS, type Trip } from '../probe.js'
import { secondsOf } from './exporters.js'
import { countOfMessages, type Lateness } from './lateness.js'
import { Window, WINDOW_MS } from './window.js'

const EVERY_MS = 5000
/** A message that is on its way at the end would be parked without its queue, so that it is awaited for so long. */
const LAST_MS = 2500

/** Sends a message with a delay of 1 s every 5 s, and tells how late those of the last minute were. */
export class Probing {
  readonly #settings: OperatorSettings
  readonly #startedAt = performance.now()
  readonly #latenesses = new Window<number>()
  readonly #stopped = new AbortController()
  readonly #running: Promise<void>
  #probe: Probe | undefined
  #problem: string | undefined

  constructor(settings: OperatorSettings) {
    this.#settings = settings
    this.#running = this.#run()
  }

  look(): Lateness {
    const now = performance.now()
    const lateSoFar = Date.now() - (this.#probe?.dueAt ?? Infinity)
    const latenesses = [...this.#latenesses.values(now), ...(lateSoFar > 0 ? [lateSoFar] : [])]
    return {
      source: 'probe',
      overSeconds: secondsOf(Math.min(now - this.#startedAt, WINDOW_MS)),
      ...countOfMessages(latenesses),
      queues: [],
      problems: this.#problem === undefined ? [] : [this.#problem],
    }
  }

  /** Resolves when the queue of the probe is deleted. */
  close(): Promise<void> {
    this.#stopped.abort()
    return this.#running
  }

  async #run(): Promise<void> {
    if (this.#settings.topology === 'trust') {
      this.#problem = 'no probe: its queue would have to be declared, which topology trust does not do'
      return
    }
    const { signal } = this.#stopped
    const last = new AbortController()
    signal.addEventListener('abort', () => setTimeout(() => last.abort(), LAST_MS).unref())
    let isAllowed = true
    while (isAllowed && !signal.aborted) {
      const probe = (this.#probe ??= new Probe(this.#settings, 'probe'))
      const trip = await probe.trip(last.signal)
      this.#note(trip)
      if (!trip.arrived) await this.#end()
      isAllowed = trip.arrived || trip.why !== 'denied'
      if (isAllowed) await pause(EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
    await this.#end()
  }

  #note(trip: Trip): void {
    if (trip.arrived) this.#latenesses.add(performance.now(), trip.latenessMs)
    this.#problem = problemOf(trip)
  }

  async #end(): Promise<void> {
    const probe = this.#probe
    this.#probe = undefined
    await probe?.close().catch(() => undefined)
  }
}

function problemOf(trip: Trip): string | undefined {
  if (trip.arrived) return undefined
  switch (trip.why) {
    case 'lost':
      return `a message of the probe did not arrive within ${PROBE_PATIENCE_MS / 1000} s of being due`
    case 'blocked':
      return `no probe: RabbitMQ takes no messages: ${trip.text}`
    case 'denied':
    case 'failed':
      return `no probe: ${trip.text}`
    case 'interrupted':
      return undefined
  }
}
