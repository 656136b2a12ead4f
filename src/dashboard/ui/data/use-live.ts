import { useEffect, useReducer, useRef } from 'preact/hooks'
import { ServerEvents } from './server-events.js'
import { INITIAL, reduceLive } from './live-state.js'
import type { Live } from './live-context.js'
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
      jobs: (jobs) => dispatch({ jobs }),
      connection: (connection) => dispatch({ connection }),
    })
    stream.current = events
    return () => events.stop()
  }, [])

  return { ...state, tryNow: () => stream.current?.tryNow(), noteJob: (job) => dispatch({ job }) }
}
