import { createContext } from 'preact'
import type { Job, Overview } from '../../api.js'
import type { Connection } from './server-events.js'

/** What the server tells by itself. */
export interface Live {
  overview: Overview | undefined
  /** The newest first. */
  jobs: readonly Job[]
  connection: Connection
  /** Another number when everything is to be asked again: the connection is back, or a job has ended. */
  generation: number
  tryNow: () => void
  noteJob: (job: Job) => void
}

export const LiveContext = createContext<Live>({
  overview: undefined,
  jobs: [],
  connection: { state: 'connecting', nextTryAt: undefined },
  generation: 0,
  tryNow: () => undefined,
  noteJob: () => undefined,
})
