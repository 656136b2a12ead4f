import { useContext, useEffect, useRef, useState } from 'preact/hooks'
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
  const list = useRef<HTMLElement>(null)
  const shown = jobs.filter(({ id }) => !dismissed.includes(id))
  const dismiss = (id: string) => {
    setDismissed([...dismissed, id])
    nextFocus(list.current)?.focus()
  }
  if (shown.length === 0) return null
  return (
    <section ref={list} class="jobs" aria-label="Jobs of the server">
      <ul>
        {shown.map((job) => (
          <JobRow key={job.id} job={job} mayStop={permissions.includes(job.needs)} onDismiss={() => dismiss(job.id)} />
        ))}
      </ul>
    </section>
  )
}

/** The button that has the focus goes: that of another job, or else the content, gets it. */
function nextFocus(list: HTMLElement | null): HTMLElement | null {
  const others = [...(list?.querySelectorAll('button') ?? [])].filter((one) => one !== document.activeElement)
  return others[0] ?? document.getElementById('main')
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
