/** At least so often something is sent: the pages take a stream that is silent for longer for a lost one. */
const BEAT_MS = 10_000
/** A stream ends after so many. The next request of its viewer goes by the login again, which may have ended. */
const BEATS = 6
/** Events that a viewer has not read. With more, it is given up: it connects again when it can. */
const MOST_UNREAD = 100

type Send = (event: string, data: unknown) => void

interface EventStreamSettings {
  /** Called at once; returns what ends the events. */
  readonly start: (send: Send) => () => void
  /** Asked at each beat: whether the viewer may still look, by the request that it came with. */
  readonly mayLook: () => Promise<boolean>
  /** Ends the stream. */
  readonly closing: AbortSignal
}

/**
 * Server-sent events for one viewer, until it leaves, does not read, may not look any more, or the dashboard is closed, or for a
 * minute: a last event `again` asks it to connect anew. Then nothing of it is left. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStream(settings: EventStreamSettings): ReadableStream<Uint8Array> {
  const source = new ViewerEvents(settings)
  return new ReadableStream<Uint8Array>(
    { start: (controller) => source.start(controller), cancel: () => source.end() },
    { highWaterMark: MOST_UNREAD },
  )
}

class ViewerEvents {
  readonly #settings: EventStreamSettings
  readonly #encoder = new TextEncoder()
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #beating: NodeJS.Timeout | undefined
  #beats = 0
  #stop: (() => void) | undefined

  constructor(settings: EventStreamSettings) {
    this.#settings = settings
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { closing, start } = this.#settings
    this.#controller = controller
    if (closing.aborted) return this.#close()
    closing.addEventListener('abort', this.#close, { once: true })
    this.#beating = setInterval(() => void this.#beat().catch(this.#close), BEAT_MS).unref()
    const stop = start((event, data) => this.#send(event, data))
    // It may have ended while it started.
    if (this.#controller) this.#stop = stop
    else stop()
  }

  end(): void {
    this.#controller = undefined
    clearInterval(this.#beating)
    this.#settings.closing.removeEventListener('abort', this.#close)
    this.#stop?.()
    this.#stop = undefined
  }

  readonly #close = (): void => {
    const controller = this.#controller
    this.end()
    controller?.close()
  }

  async #beat(): Promise<void> {
    if (!(await this.#settings.mayLook())) return this.#close()
    const isLast = ++this.#beats === BEATS
    this.#send(isLast ? 'again' : 'beat', {})
    if (isLast) this.#close()
  }

  #send(event: string, data: unknown): void {
    const controller = this.#controller
    if (!controller) return
    controller.enqueue(this.#encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
    if ((controller.desiredSize ?? 0) > 0) return
    this.end()
    controller.error(new Error('the viewer does not read'))
  }
}
