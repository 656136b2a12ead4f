import type { ComponentChildren } from 'preact'
import { useContext, useEffect } from 'preact/hooks'
import type { Job } from '../../api.js'
import { LiveContext } from '../data/live-context.js'
import { postJson, type RequestFailed } from '../data/request.js'
import { useAction } from '../data/use-action.js'
import { Dialog } from './dialog.js'

interface Props {
  /** What is asked, and what the button does: `Purge 5 messages`. */
  deed: string
  /** Of the request that starts the job, and its body. */
  path: string
  change: unknown
  dangerous?: boolean
  disabled?: boolean
  onFailure?: (failure: RequestFailed) => void
  onDone: (() => void) | undefined
  onClose: () => void
  children: ComponentChildren
}

/** Asks before a change of messages, and gives it to the server as a job. */
export function JobDialog({ deed, path, change, onFailure, onDone, onClose, ...shown }: Props) {
  const { noteJob } = useContext(LiveContext)
  const action = useAction()
  const { failure } = action
  useEffect(() => {
    if (failure) onFailure?.(failure)
  }, [failure])
  const send = () =>
    action.run(async () => {
      noteJob(await postJson<Job>(path, change))
      onDone?.()
      onClose()
    })
  return <Dialog title={`${deed}?`} onDeed={send} {...{ deed, action, onClose, ...shown }} />
}
