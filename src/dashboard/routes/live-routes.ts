import type { Job } from '../api.js'
import { eventStream } from '../event-stream.js'
import { Refused } from '../http/refused.js'
import type { Jobs } from '../jobs/jobs.js'
import type { Overviews } from '../looks/overviews.js'
import type { Asked, Routes } from './route.js'

/** Open streams of events. Each page of a viewer has one. */
const MOST_STREAMS = 250

interface LiveParts {
  readonly jobs: Jobs
  /** Called with each change of a job. */
  readonly listeners: Set<(job: Job) => void>
  readonly overviews: Overviews
  readonly closing: AbortSignal
  /** Whether the viewer of this request may still look. */
  readonly mayLook: (asked: Asked) => Promise<boolean>
}

export function liveRoutes(parts: LiveParts): Routes {
  const streams = new Set<symbol>()
  return {
    jobs: { answer: () => ({ jobs: parts.jobs.list() }) },
    events: { answer: (asked) => eventsOf(parts, streams, asked) },
  }
}

/** @throws Refused 429 if too many are open */
function eventsOf(parts: LiveParts, streams: Set<symbol>, asked: Asked): Response {
  const { jobs, listeners, overviews, closing, mayLook } = parts
  if (streams.size >= MOST_STREAMS)
    throw new Refused(429, 'BUSY', `${MOST_STREAMS} pages of this dashboard are open: close one of them`)
  const own = Symbol()
  const stream = eventStream({
    closing,
    mayLook: () => mayLook(asked),
    start(send) {
      const onJob = (job: Job) => send('job', job)
      streams.add(own)
      listeners.add(onJob)
      send('jobs', { jobs: jobs.list() })
      const end = overviews.subscribe((overview) => send('overview', overview))
      return () => {
        streams.delete(own)
        listeners.delete(onJob)
        end()
      }
    },
  })
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    // A compressing middleware, and nginx, would keep events back.
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  }
  return new Response(stream, { headers })
}
