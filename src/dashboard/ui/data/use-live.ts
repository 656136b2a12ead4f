import { useEffect, useReducer, useRef } from 'preact/hooks'
import type { Job } from '../../api.js'
import { ServerEvents } from './server-events.js'
import { INITIAL, reduceLive } from './live-state.js'
import type { Live } from './live-context.js'
import { apiUrl, getJson } from './request.js'
import { setServerClock } from './server-clock.js'

/** Keeps what the server tells, as long as the page is there. */
export function useLive(): Live {
  const [state, dispatch] = useReducer(reduceLive, INITIAL)
  const stream = useRef<ServerEvents>(null)
  useEffect(() => {
    const events = new ServerEvents({
      overview: (overview) => {
        setServerClock(overview.at)
        dispatch({ overview })
      },
      job: (job) => dispatch({ job }),
      connection: (connection) => dispatch({ connection }),
    })
    stream.current = events
    return () => events.stop()
  }, [])

  const isOpen = state.connection.state === 'open'
  useEffect(() => {
    if (!isOpen) return
    const abort = new AbortController()
    getJson<{ jobs: Job[] }>(apiUrl('jobs'), abort.signal).then(
      ({ jobs }) => dispatch({ jobs }),
      () => undefined, // the pages say it
    )
    return () => abort.abort()
  }, [isOpen])

  return { ...state, tryNow: () => stream.current?.tryNow(), noteJob: (job) => dispatch({ job }) }
}
