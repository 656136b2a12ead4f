import { useState } from 'preact/hooks'
import type { FailedChange, FailedChoice } from '../../api.js'
import type { RequestFailed } from '../data/request.js'
import { Field } from '../parts/field.js'
import { JobDialog } from '../parts/job-dialog.js'
import { countText } from '../text/numbers.js'

interface Props {
  choice: FailedChoice
  count: number
  onDone: (() => void) | undefined
  onClose: () => void
}

/**
 * Removes failed messages for ever: the user types their number. If there are others than that, such as copies with the same id on
 * another page, nothing is removed, and the user is asked again with the number that was found.
 */
export function PurgeDialog({ choice, count, onDone, onClose }: Props) {
  const [typed, setTyped] = useState('')
  const [found, setFound] = useState(count)
  const change: FailedChange = { ...choice, expected: found }
  const onFailure = (failure: RequestFailed) => {
    if (failure.found === undefined) return
    setFound(failure.found)
    setTyped('')
  }
  const label = (
    <>
      Type <strong>{found}</strong> to confirm
    </>
  )
  return (
    <JobDialog
      deed={`Purge ${countText(found, 'message')}`}
      path="failed/purge"
      dangerous
      disabled={found === 0 || typed.trim() !== String(found)}
      {...{ change, onFailure, onDone, onClose }}
    >
      <p>They are removed for ever. This cannot be undone.</p>
      <Field label={label} inputMode="numeric" value={typed} onType={setTyped} />
    </JobDialog>
  )
}
