import { useContext, useId, useState } from 'preact/hooks'
import type { FailedChange, FailedChoice, Job } from '../../api.js'
import { LiveContext } from '../data/live-context.js'
import { postJson } from '../data/request.js'
import { useAction } from '../data/use-action.js'
import { Dialog } from '../parts/dialog.js'
import { countText } from '../text/numbers.js'

interface Props {
  choice: FailedChoice
  count: number
  onDone: (() => void) | undefined
  onClose: () => void
}

/** Removes failed messages for ever: the user types their number. */
export function PurgeDialog({ choice, count, onDone, onClose }: Props) {
  const { noteJob } = useContext(LiveContext)
  const action = useAction()
  const [typed, setTyped] = useState('')
  const id = useId()
  const deed = `Purge ${countText(count, 'message')}`
  const send = () =>
    action.run(async () => {
      const change: FailedChange = { ...choice, expected: count }
      noteJob(await postJson<Job>('failed/purge', change))
      onDone?.()
      onClose()
    })
  return (
    <Dialog
      title={`${deed}?`}
      deed={deed}
      dangerous
      disabled={typed.trim() !== String(count)}
      action={action}
      onDeed={send}
      onClose={onClose}
    >
      <p>They are removed for ever. This cannot be undone.</p>
      <div class="field">
        <label for={id}>
          Type <strong>{count}</strong> to confirm
        </label>
        <input
          id={id}
          inputMode="numeric"
          autocomplete="off"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
    </Dialog>
  )
}
