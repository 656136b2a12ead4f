import { backoff } from '../../../base/backoff.js'
import type { Job, Overview } from '../../api.js'

export interface Connection {
  state: 'connecting' | 'open' | 'lost'
  /** Of a lost one, in milliseconds of this computer's clock. */
  nextTryAt: number | undefined
}

interface Listener {
  overview: (overview: Overview) => void
  job: (job: Job) => void
  /** Those that the server has, whenever there is a connection. */
  jobs: (jobs: readonly Job[]) => void
  connection: (connection: Connection) => void
}

/** The server sends something more often. */
const SILENT_MS = 30_000
const LEAST_PAUSE_MS = 1000

/**
 * The server's events. A lost connection is tried again after 1 s, later up to 30 s; the browser's own tries say nothing. A
 * hidden page has no connection: a browser has six to a server, for all of its pages.
 */
export class ServerEvents {
  readonly #listener: Listener
  #source: EventSource | undefined
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #onVisible = () => (document.hidden ? this.#hide() : this.tryNow())

  constructor(listener: Listener) {
    this.#listener = listener
    document.addEventListener('visibilitychange', this.#onVisible)
    addEventListener('online', this.#onVisible)
    if (!document.hidden) this.#open()
  }

  /** Without waiting for the next try. */
  tryNow(): void {
    if (this.#source?.readyState !== EventSource.OPEN) this.#open()
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#onVisible)
    removeEventListener('online', this.#onVisible)
    this.#close()
  }

  #open(): void {
    this.#close()
    const source = new EventSource('api/events')
    this.#source = source
    this.#expectMore()
    source.addEventListener('open', () => {
      this.#tries = 0
      this.#listener.connection({ state: 'open', nextTryAt: undefined })
      this.#expectMore()
    })
    source.addEventListener('error', () => this.#lost())
    source.addEventListener('beat', () => this.#expectMore())
    // The server ends the stream, so that each request goes by the login.
    source.addEventListener('again', () => this.#open())
    const on = <T>(name: string, tell: (data: T) => void) =>
      source.addEventListener(name, (event) => {
        this.#expectMore()
        tell(JSON.parse((event as MessageEvent<string>).data) as T)
      })
    on<Overview>('overview', (overview) => this.#listener.overview(overview))
    on<Job>('job', (job) => this.#listener.job(job))
    on<{ jobs: Job[] }>('jobs', ({ jobs }) => this.#listener.jobs(jobs))
  }

  /** When it is open again, what happened meanwhile is asked for. */
  #hide(): void {
    const wasOpen = this.#source?.readyState === EventSource.OPEN
    this.#close()
    if (wasOpen) this.#listener.connection({ state: 'connecting', nextTryAt: undefined })
  }

  #expectMore(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#lost(), SILENT_MS)
  }

  #lost(): void {
    this.#close()
    const pauseMs = LEAST_PAUSE_MS + backoff(this.#tries++, { baseMs: 1000, maxMs: 29_000 })
    this.#listener.connection({ state: 'lost', nextTryAt: Date.now() + pauseMs })
    this.#timer = setTimeout(() => this.#open(), pauseMs)
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = undefined
  }
}
