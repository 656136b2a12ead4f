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

/** Removes failed messages for ever: the user types their number. */
export function PurgeDialog({ choice, count, onDone, onClose }: Props) {
  const [typed, setTyped] = useState('')
  const change: FailedChange = { ...choice, expected: count }
  const label = (
    <>
      Type <strong>{count}</strong> to confirm
    </>
  )
  return (
    <JobDialog
      deed={`Purge ${countText(count, 'message')}`}
      path="failed/purge"
      dangerous
      disabled={typed.trim() !== String(count)}
      {...{ change, onDone, onClose }}
    >
      <p>They are removed for ever. This cannot be undone.</p>
      <Field label={label} inputMode="numeric" value={typed} onType={setTyped} />
    </JobDialog>
  )
}
