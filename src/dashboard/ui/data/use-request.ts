import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks'
import { LiveContext } from './live-context.js'
import { pauseAfter } from './pause-after.js'
import { apiUrl, getJson, RequestFailed, type Query } from './request.js'

export interface Requested<T> {
  /** The last answer. It stays while the next one is awaited, so that nothing flashes. */
  data: T | undefined
  failure: RequestFailed | undefined
  loading: boolean
  /** Whether `data` answers the present path and query, and not those before. */
  isCurrent: boolean
  reload: () => void
}

interface Options {
  /** Asks again so long after each answer, and later if the answer was slow. */
  everyMs?: number
  /** Asks again when this has changed, 10 s after the last answer or later: it may change all the time. */
  on?: unknown
}

type State<T> = Pick<Requested<T>, 'data' | 'failure' | 'loading'> & {
  /** The URL that `data` answers. */
  answered: string | undefined
  /** Of the last request, by `performance.now()`. */
  startedAt: number
  endedAt: number
}

const NOTHING = { data: undefined, failure: undefined, loading: false, answered: undefined, startedAt: 0, endedAt: 0 }
const CHANGED_MS = 10_000

/**
 * Asks the server: at once, when path or query change, when the connection is back, and when a job has ended. A request that
 * nobody waits for any more is aborted.
 *
 * @param path undefined: nothing is asked
 */
export function useRequest<T>(path: string | undefined, query: Query = {}, options: Options = {}): Requested<T> {
  const url = path === undefined ? undefined : apiUrl(path, query)
  const { generation } = useContext(LiveContext)
  const [round, setRound] = useState(0)
  const [state, setState] = useState<State<T>>(NOTHING)
  const reload = useCallback(() => setRound((before) => before + 1), [])

  useEffect(() => {
    if (url === undefined) return setState(NOTHING)
    const abort = new AbortController()
    setState((before) => ({ ...before, loading: true, startedAt: performance.now() }))
    const ended = (answer: Partial<State<T>>) => {
      if (!abort.signal.aborted)
        setState((before) => ({ ...before, ...answer, loading: false, endedAt: performance.now() }))
    }
    getJson<T>(url, abort.signal).then(
      (data) => ended({ data, failure: undefined, answered: url }),
      (error: unknown) => ended({ failure: failureOf(error) }),
    )
    return () => abort.abort()
  }, [url, round, generation])
  useRepeat(state, options, url === undefined ? undefined : reload)

  const { data, failure, loading, answered } = state
  return { data, failure, loading, isCurrent: answered !== undefined && answered === url, reload }
}

/** Asks again after a pause, which begins with the answer. */
function useRepeat<T>(state: State<T>, { everyMs, on }: Options, reload: (() => void) | undefined): void {
  const asked = useRef(on)
  const { loading, startedAt, endedAt } = state
  useEffect(() => {
    if (loading) asked.current = on
  }, [loading])
  useEffect(() => {
    const isChanged = on !== undefined && on !== asked.current
    const least = isChanged ? Math.min(CHANGED_MS, everyMs ?? CHANGED_MS) : everyMs
    if (loading || endedAt === 0 || least === undefined || !reload) return
    const pauseMs = endedAt + pauseAfter(endedAt - startedAt, least) - performance.now()
    const timer = setTimeout(reload, Math.max(0, pauseMs))
    return () => clearTimeout(timer)
  }, [everyMs, on, state, reload])
}

export function failureOf(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error
  return new RequestFailed({ code: 'UNEXPECTED', message: String(error) }, 0)
}
