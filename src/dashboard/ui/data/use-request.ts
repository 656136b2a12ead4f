import { useCallback, useContext, useEffect, useState } from 'preact/hooks'
import { LiveContext } from './live-context.js'
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
  /** Asks again so long after each answer. */
  everyMs?: number
  /** Asks again when this changes. */
  on?: unknown
}

type State<T> = Pick<Requested<T>, 'data' | 'failure' | 'loading'> & {
  /** The URL that `data` answers. */
  answered: string | undefined
}

const NOTHING = { data: undefined, failure: undefined, loading: false, answered: undefined }

/**
 * Asks the server: at once, when path or query change, when the connection is back, and when a job has ended. A request that
 * nobody waits for any more is aborted.
 *
 * @param path undefined: nothing is asked
 */
export function useRequest<T>(
  path: string | undefined,
  query: Query = {},
  { everyMs, on }: Options = {},
): Requested<T> {
  const url = path === undefined ? undefined : apiUrl(path, query)
  const { generation } = useContext(LiveContext)
  const [round, setRound] = useState(0)
  const [state, setState] = useState<State<T>>(NOTHING)
  const reload = useCallback(() => setRound((before) => before + 1), [])

  useEffect(() => {
    if (url === undefined) return setState(NOTHING)
    const abort = new AbortController()
    setState((before) => ({ ...before, loading: true }))
    getJson<T>(url, abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, failure: undefined, loading: false, answered: url })
      },
      (error: unknown) => {
        if (abort.signal.aborted) return
        setState((before) => ({ ...before, failure: failureOf(error), loading: false }))
      },
    )
    return () => abort.abort()
  }, [url, round, generation, on])

  useEffect(() => {
    if (everyMs === undefined || state.loading || url === undefined) return
    const timer = setTimeout(reload, everyMs)
    return () => clearTimeout(timer)
  }, [everyMs, state, url, reload])

  const { answered, ...seen } = state
  return { ...seen, isCurrent: answered !== undefined && answered === url, reload }
}

export function failureOf(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error
  return new RequestFailed({ code: 'UNEXPECTED', message: String(error) }, 0)
}
