import type { CountReport } from '../../operate/status-report.js'
import type { Seen } from '../../operate/metrics/shared-look.js'
import type { Lateness } from '../../operate/watch/lateness.js'
import { Window } from '../../operate/watch/window.js'
import type { LatenessView, Overview } from '../api.js'
import { failureOf } from '../http/failure-of.js'
import type { Look } from './looks.js'
import { minuteRates, type MinuteRates } from './minute-rates.js'
import { Trend } from './trend.js'

/** Waiting messages by a list of them. */
export interface WaitingCounts {
  readonly waiting: number
  readonly dueWithinMinute: number
}

const NOTHING: Omit<Overview, 'at'> = {
  waiting: null,
  dueWithinMinute: null,
  deliveredPerMinute: null,
  scheduledPerMinute: null,
  lateness: null,
  dead: null,
  parked: null,
}

/** Makes an overview of each look, with what earlier ones have told. */
export class OverviewMaker {
  readonly #dead = new Trend()
  readonly #parked = new Trend()
  /** Counts of the list, for their change. */
  readonly #waiting = new Window<number>()
  readonly #isStore: boolean
  #known = NOTHING

  /** @param isStore whether messages wait outside of the broker */
  constructor(isStore: boolean) {
    this.#isStore = isStore
  }

  /** @param counted undefined where there is no list */
  of(look: Look, counted: Seen<WaitingCounts> | undefined): Overview {
    const at = look.at.toISOString()
    const { value, reason } = counted ?? {}
    const failure = look.error
      ? failureOf(look.error)
      : reason === undefined
        ? undefined
        : { code: 'STORE_ERROR', message: reason }
    if (look.error) return { ...this.#known, ...value, at, ...(failure && { failure }) }
    this.#known = {
      ...this.#known,
      ...(look.report && this.#ofReport(look.report, counted !== undefined)),
      ...value,
      ...this.#ratesOf(look, value?.waiting),
      lateness: latenessView(look.lateness),
    }
    return { ...this.#known, at, ...(failure && { failure }) }
  }

  #ofReport({ source, waiting, dead, parked }: CountReport, hasList: boolean): Partial<Overview> {
    const now = performance.now()
    const sum = dead.reduce((all, { messages }) => all + messages, 0)
    return {
      // Unless there is a list, which is counted, or was when it could be asked last.
      ...(!this.#isStore && !hasList && { waiting: waiting.messages }),
      // AMQP lists no queues.
      dead: source === 'amqp' ? null : this.#dead.add(now, sum),
      parked: this.#parked.add(now, parked?.messages ?? 0),
    }
  }

  #ratesOf(look: Exclude<Look, { error: Error }>, waiting: number | undefined): Partial<Overview> {
    const change = this.#isStore ? this.#changeOf(waiting) : undefined
    const { delivered, scheduled } = look.report ? minuteRates(look, change) : ratesInMemory(look.delivered, change)
    return { deliveredPerMinute: delivered, scheduledPerMinute: scheduled }
  }

  /** By how much the number of waiting messages changes in a minute. */
  #changeOf(waiting: number | undefined): number | null {
    const now = performance.now()
    if (waiting !== undefined) this.#waiting.add(now, waiting)
    const [first] = this.#waiting.entries(now)
    if (!first || waiting === undefined || first.at === now) return null
    return ((waiting - first.value) * 60_000) / (now - first.at)
  }
}

function ratesInMemory(delivered: number | null, change: number | null | undefined): MinuteRates {
  if (delivered === null || change === null || change === undefined) return { delivered, scheduled: null }
  return { delivered, scheduled: Math.max(Math.round(delivered + change), 0) }
}

function latenessView(lateness: Lateness | null): LatenessView | null {
  if (!lateness) return null
  const { p50Ms, p99Ms, messages, source, problems } = lateness
  return { p50Ms, p99Ms, messages, source: source === 'metrics' ? 'exporters' : 'probe', problems }
}
