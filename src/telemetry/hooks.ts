import { AsyncResource } from 'node:async_hooks'
import type { Clock } from '../base/clock.js'
import { DuequeError, errorText } from '../base/errors.js'
import { isThenable } from '../base/is-thenable.js'
import type { Logger } from '../base/logger.js'
import { onRejection } from '../base/on-rejection.js'
import { throttle } from '../base/throttle.js'
import type { Consumer } from '../consumer/stats.js'
import type { Dueque } from '../dueque.js'
import { EVENT_RULES, type DuequeEvents } from '../events.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { checkHeaders, HEADER, readInstant, type Headers, type HeaderValue } from '../message/headers.js'
import type { Receipt } from '../message/receipt.js'
import type { CancelResult } from '../schedule/cancel-result.js'
import type { Rescheduled } from '../schedule/waiting.js'
import type { BulkInfo, BulkOutcome, CancelInfo, ProcessInfo, Telemetry } from '../telemetry.js'
import { HangingHooks } from './hanging-hooks.js'

export interface HookSettings {
  clock: Clock
  logger: Logger
  /** Called for the first error of each hook. */
  onError: (error: DuequeError) => void
}

/** A message that may still get other headers. */
type Draft = Pick<DelayedMessage, 'id' | 'name' | 'destination' | 'dueAt'> & { headers: Headers }

const HOOKS = ['schedule', 'cancel', 'reschedule', 'bulk', 'process', 'connected', 'consuming'] as const
type Hook = (typeof HOOKS)[number]

/** Calls the hooks of all telemetries of a connection, and keeps their faults from its messages. */
export class TelemetryHooks {
  readonly #telemetries: readonly Telemetry[]
  /** The telemetries that have a hook: asked for each message. */
  readonly #having: Readonly<Record<Hook, readonly Telemetry[]>>
  readonly #settings: HookSettings
  readonly #mayLog: (hook: string) => boolean
  readonly #reported = new Set<string>()
  readonly #hanging = new HangingHooks((hook, waitedMs) => {
    this.#failed(hook, new Error(`it returned a promise that is pending ${waitedMs} ms after the outcome was known`))
  })

  constructor(telemetries: readonly Telemetry[], settings: HookSettings) {
    this.#telemetries = telemetries
    const having = (hook: Hook) => telemetries.filter((telemetry) => typeof telemetry[hook] === 'function')
    this.#having = Object.fromEntries(HOOKS.map((hook) => [hook, having(hook)])) as Record<Hook, Telemetry[]>
    this.#settings = settings
    this.#mayLog = throttle(settings.clock)
  }

  /** Whether a telemetry has this hook. */
  has(hook: Hook): boolean {
    return this.#having[hook].length > 0
  }

  /**
   * Sends a message.
   *
   * @param own its headers that no hook sees
   */
  schedule<D extends Draft>(
    draft: D,
    send: (draft: D) => Promise<Receipt>,
    { bulk, own = {} }: { bulk?: BulkInfo | undefined; own?: Headers | undefined } = {},
  ): Promise<Receipt> {
    const { id, name, destination: to, dueAt } = draft
    const headers: Record<string, HeaderValue> = { ...draft.headers }
    const run = () => {
      try {
        draft.headers = checkHeaders(headers)
      } catch (error) {
        this.#failed('schedule', error)
      }
      return send(draft)
    }
    const scheduledFor = readInstant(own[HEADER.scheduledFor])
    const common = { id, name, to, dueAt: new Date(dueAt) }
    const timed = scheduledFor === undefined ? common : { ...common, scheduledFor: new Date(scheduledFor) }
    const info = bulk ? { ...timed, bulk } : timed
    return this.#wrap('schedule', (telemetry, once) => telemetry.schedule!(info, headers, once), run)
  }

  cancel(info: CancelInfo, run: () => Promise<CancelResult>): Promise<CancelResult> {
    return this.#wrap('cancel', (telemetry, once) => telemetry.cancel!(info, once), run)
  }

  reschedule(info: CancelInfo, run: () => Promise<Rescheduled | undefined>): Promise<Rescheduled | undefined> {
    return this.#wrap('reschedule', (telemetry, once) => telemetry.reschedule!(info, once), run)
  }

  process(info: ProcessInfo, run: () => Promise<void>): Promise<void> {
    return this.#wrap('process', (telemetry, once) => telemetry.process!(info, once), run)
  }

  /**
   * Runs over many items inside the hook `bulk`.
   *
   * @param start gets the scope in which each item is to run
   */
  async *bulk<Result extends { error?: unknown }>(
    info: BulkInfo,
    start: (scope: AsyncResource) => AsyncIterable<Result>,
  ): AsyncGenerator<Result, void, undefined> {
    let [succeeded, failed] = [0, 0]
    let end: { resolve: (outcome: BulkOutcome) => void; reject: (error: unknown) => void }
    const over = new Promise<BulkOutcome>((resolve, reject) => (end = { resolve, reject }))
    over.catch(() => undefined)
    let scope = undefined as AsyncResource | undefined
    const run = () => {
      scope = new AsyncResource('dueque.bulk')
      return over
    }
    this.#wrap('bulk', (telemetry, once) => telemetry.bulk!(info, once), run).catch(() => undefined)
    try {
      for await (const result of start(scope!)) {
        if (result.error === undefined) succeeded++
        else failed++
        yield result
      }
    } catch (error) {
      end!.reject(error)
      throw error
    } finally {
      end!.resolve({ succeeded, failed })
    }
  }

  /** @returns to be called when the connection has closed */
  connected(connection: Pick<Dueque, 'health'>): () => void {
    return this.#tell('connected', (telemetry) => telemetry.connected!(connection))
  }

  /** @returns to be called when the consumer has closed */
  consuming(consumer: Consumer, names: readonly string[]): () => void {
    return this.#tell('consuming', (telemetry) => telemetry.consuming!(consumer, names))
  }

  /** The listeners of all telemetries, whose errors count as those of hooks. */
  listeners(): Partial<DuequeEvents>[] {
    return this.#telemetries.map(({ events = {} }) => {
      const names = (Object.keys(EVENT_RULES) as (keyof DuequeEvents)[]).filter((name) => events[name])
      return Object.fromEntries(
        names.map((name) => {
          const listener = events[name] as (...args: unknown[]) => unknown
          // What it returns is looked at here alone.
          return [name, (...args: unknown[]) => void this.#attempt(`events.${name}`, () => listener(...args))]
        }),
      )
    })
  }

  #tell(hook: Hook, call: (telemetry: Telemetry) => unknown): () => void {
    const ended = this.#having[hook].map((telemetry) => this.#attempt(hook, () => call(telemetry)))
    return () => {
      for (const end of ended.splice(0))
        if (typeof end === 'function') this.#attempt(hook, () => (end as () => unknown)())
    }
  }

  #attempt(hook: string, call: () => unknown): unknown {
    try {
      const returned = call()
      onRejection(returned, (error) => this.#failed(hook, error))
      return returned
    } catch (error) {
      this.#failed(hook, error)
      return undefined
    }
  }

  /** @param run does not throw, but rejects */
  #wrap<T>(
    hook: Hook,
    call: (telemetry: Telemetry, once: () => Promise<T>) => unknown,
    run: () => Promise<T>,
  ): Promise<T> {
    let wrapped = run
    // The first is the outermost. A loop, because this runs for each message.
    const telemetries = this.#having[hook]
    for (let i = telemetries.length - 1; i >= 0; i--) {
      const [telemetry, inside] = [telemetries[i]!, wrapped]
      wrapped = () => this.#once(hook, (once) => call(telemetry, once), inside)
    }
    return wrapped()
  }

  /** Runs `run` inside one hook, exactly once. @returns the promise of `run` */
  #once<T>(hook: string, call: (once: () => Promise<T>) => unknown, run: () => Promise<T>): Promise<T> {
    let running: Promise<T> | undefined
    const once = () => (running ??= run())
    try {
      const returned = call(once)
      const outcome = once()
      if (returned !== outcome && isThenable(returned)) this.#watch(hook, returned, outcome)
    } catch (error) {
      this.#failed(hook, error)
    }
    return once()
  }

  /** Most hooks pass on what `run` rejects with, which is no error of theirs. */
  #watch(hook: string, returned: PromiseLike<unknown>, outcome: Promise<unknown>): void {
    this.#hanging.watch(hook, returned, outcome, (error) => {
      const failed = () => this.#failed(hook, error)
      outcome.then(failed, (own: unknown) => {
        if (own !== error) failed()
      })
    })
  }

  #failed(hook: string, error: unknown): void {
    const { logger, onError } = this.#settings
    if (this.#mayLog(hook)) logger.error('a telemetry hook failed', { hook, error: errorText(error) })
    if (this.#reported.has(hook)) return
    this.#reported.add(hook)
    const what = `the telemetry hook ${hook} failed: ${errorText(error)}`
    const message = `${what}. Messages are not affected; its further errors are only logged`
    onError(new DuequeError('TELEMETRY_FAILED', message, { hook }, { cause: error }))
  }
}
