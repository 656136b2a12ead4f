import { useContext, useEffect, useState } from 'preact/hooks'
import type { Job, Permission } from '../../api.js'
import { LiveContext } from '../data/live-context.js'
import { postJson } from '../data/request.js'
import { useAction } from '../data/use-action.js'
import { jobText } from '../text/outcomes.js'
import { announce } from './announcer.js'
import { Problem } from './problem.js'

/** The server's work, with its progress. It goes on when the viewer leaves. */
export function JobList({ permissions }: { permissions: readonly Permission[] }) {
  const { jobs } = useContext(LiveContext)
  const [dismissed, setDismissed] = useState<readonly string[]>([])
  const shown = jobs.filter(({ id }) => !dismissed.includes(id))
  if (shown.length === 0) return null
  return (
    <section class="jobs" aria-label="Jobs of the server">
      <ul>
        {shown.map((job) => (
          <JobRow
            key={job.id}
            job={job}
            mayStop={permissions.includes(job.needs)}
            onDismiss={() => setDismissed([...dismissed, job.id])}
          />
        ))}
      </ul>
    </section>
  )
}

interface RowProps {
  job: Job
  mayStop: boolean
  onDismiss: () => void
}

function JobRow({ job, mayStop, onDismiss }: RowProps) {
  const { noteJob } = useContext(LiveContext)
  const action = useAction()
  const what = job.what.charAt(0).toUpperCase() + job.what.slice(1)
  const isRunning = job.state === 'running'
  useEffect(() => {
    if (!isRunning) announce(`${what}. ${jobText(job)}`)
  }, [isRunning])
  const stop = () => action.run(async () => noteJob(await postJson<Job>('jobs/stop', { id: job.id })))
  return (
    <li class={`job job-${job.state}`}>
      <p>
        <strong>{what}</strong>
        <span class="job-text">{jobText(job)}</span>
      </p>
      {isRunning && <progress aria-label={what} max={job.of ?? 1} {...(job.of !== null && { value: job.done })} />}
      <Problem failure={action.failure} />
      {isRunning && mayStop && (
        <button type="button" onClick={stop} disabled={action.busy}>
          Stop
        </button>
      )}
      {!isRunning && (
        <button type="button" onClick={onDismiss}>
          Dismiss
        </button>
      )}
    </li>
  )
}
