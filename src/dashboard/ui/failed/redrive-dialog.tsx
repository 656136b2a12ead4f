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

/** Sends failed messages on, as fast as the rate says. */
export function RedriveDialog({ choice, count, onDone, onClose }: Props) {
  const { noteJob } = useContext(LiveContext)
  const action = useAction()
  const [typed, setTyped] = useState('')
  const id = useId()
  const rate = Number(typed)
  const isWrong = typed !== '' && !(rate > 0)
  const deed = `Redrive ${countText(count, 'message')}`
  const send = () =>
    action.run(async () => {
      const change: FailedChange = { ...choice, ...(typed !== '' && { rate }) }
      noteJob(await postJson<Job>('failed/redrive', change))
      onDone?.()
      onClose()
    })
  return (
    <Dialog title={`${deed}?`} deed={deed} disabled={isWrong} action={action} onDeed={send} onClose={onClose}>
      <p>
        {choice.kind === 'dead'
          ? 'They go back to their queue, for a new first attempt. Messages that have expired stay.'
          : 'They are sent to their destinations again. A message whose destination is still missing stays.'}
      </p>
      <div class="field">
        <label for={id}>Messages a second, at most (empty: as fast as it goes)</label>
        <input
          id={id}
          type="number"
          min="0.1"
          step="any"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
    </Dialog>
  )
}
