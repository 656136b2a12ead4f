import { useState } from 'preact/hooks'
import type { Search, WaitingChange, WaitingKey } from '../../api.js'
import { JobDialog } from '../parts/job-dialog.js'
import { Text } from '../parts/text.js'
import { countText } from '../text/numbers.js'
import type { ChangeAction } from './change-buttons.js'
import { DueFields, dueOf, NO_DUE } from './due-fields.js'

export type Target = { messages: WaitingKey[] } | { search: Search; expected: number }

interface Props {
  action: ChangeAction
  target: Target
  onDone?: () => void
  onClose: () => void
}

const DEEDS: Readonly<Record<ChangeAction, string>> = {
  cancel: 'Cancel',
  reschedule: 'Reschedule',
  'deliver-now': 'Deliver now:',
}
const EFFECTS: Readonly<Record<ChangeAction, string>> = {
  cancel: 'They will not be delivered. This cannot be undone.',
  reschedule: 'They get a new due time, and keep their content.',
  'deliver-now': 'They become due at once.',
}

/** Asks, with the number of messages, and gives the change to the server. */
export function ChangeDialog({ action, target, onDone, onClose }: Props) {
  const [typed, setTyped] = useState(NO_DUE)
  const due = dueOf(typed)
  const change: WaitingChange = { action, ...target, ...(action === 'reschedule' && due) }
  return (
    <JobDialog
      deed={`${DEEDS[action]} ${countText(sizeOf(target), 'message')}`}
      path="waiting/change"
      dangerous={action === 'cancel'}
      disabled={action === 'reschedule' && !due}
      {...{ change, onDone, onClose }}
    >
      <Which target={target} />
      <p>{EFFECTS[action]}</p>
      {action === 'reschedule' && <DueFields typed={typed} onType={setTyped} />}
    </JobDialog>
  )
}

function sizeOf(target: Target): number {
  return 'messages' in target ? target.messages.length : target.expected
}

function Which({ target }: { target: Target }) {
  if ('messages' in target) {
    const shown = target.messages.slice(0, 5)
    const more = target.messages.length - shown.length
    return (
      <ul class="ids">
        {shown.map(({ id, revision }) => (
          <li key={`${revision} ${id}`}>
            <Text text={id} />
          </li>
        ))}
        {more > 0 && <li>and {countText(more, 'other')}</li>}
      </ul>
    )
  }
  const fields = Object.entries(target.search)
  if (fields.length === 0) return <p>All messages that wait.</p>
  return (
    <ul class="ids">
      {fields.map(([name, value]) => (
        <li key={name}>
          {name}: <Text text={String(value)} />
        </li>
      ))}
    </ul>
  )
}
