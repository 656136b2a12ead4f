import { useState } from 'preact/hooks'
import type { FailedChange, FailedChoice } from '../../api.js'
import { Field } from '../parts/field.js'
import { JobDialog } from '../parts/job-dialog.js'
import { countText } from '../text/numbers.js'

interface Props {
  choice: FailedChoice
  count: number
  onDone: (() => void) | undefined
  onClose: () => void
}

/** Sends failed messages on, as fast as the rate says. */
export function RedriveDialog({ choice, count, onDone, onClose }: Props) {
  const [typed, setTyped] = useState('')
  const rate = Number(typed)
  const change: FailedChange = { ...choice, expected: count, ...(typed !== '' && { rate }) }
  return (
    <JobDialog
      deed={`Redrive ${countText(count, 'message')}`}
      path="failed/redrive"
      disabled={typed !== '' && !(rate > 0)}
      {...{ change, onDone, onClose }}
    >
      <p>
        {choice.kind === 'dead'
          ? 'They go back to their queue, for a new first attempt. Messages that have expired stay.'
          : 'They are sent to their destinations again. A message whose destination is still missing stays.'}
      </p>
      <Field
        label="Messages a second, at most (empty: as fast as it goes)"
        type="number"
        min="0.1"
        step="any"
        value={typed}
        onType={setTyped}
      />
    </JobDialog>
  )
}
