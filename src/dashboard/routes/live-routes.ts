import type { Job } from '../api.js'
import { eventStream } from '../event-stream.js'
import type { Jobs } from '../jobs/jobs.js'
import type { Overviews } from '../looks/overviews.js'
import type { Asked, Routes } from './route.js'

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
  return {
    jobs: { answer: () => ({ jobs: parts.jobs.list() }) },
    events: { answer: (asked) => eventsOf(parts, asked) },
  }
}

function eventsOf({ jobs, listeners, overviews, closing, mayLook }: LiveParts, asked: Asked): Response {
  const stream = eventStream({
    closing,
    mayLook: () => mayLook(asked),
    start(send) {
      const onJob = (job: Job) => send('job', job)
      listeners.add(onJob)
      for (const job of jobs.list()) if (job.state === 'running') onJob(job)
      const end = overviews.subscribe((overview) => send('overview', overview))
      return () => {
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
