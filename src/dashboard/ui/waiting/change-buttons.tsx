import type { Permission, WaitingChange } from '../../api.js'
import { ButtonGroup } from '../parts/button-group.js'

export type ChangeAction = WaitingChange['action']

interface Props {
  permissions: readonly Permission[]
  /** Of which messages. */
  label: string
  isShown?: boolean
  disabled?: boolean
  onChange: (action: ChangeAction) => void
}

/** The changes that this viewer may make. */
export function ChangeButtons({ permissions, label, isShown = true, disabled = false, onChange }: Props) {
  const button = (action: ChangeAction, text: string) => (
    <button type="button" disabled={disabled} onClick={() => onChange(action)}>
      {text}
    </button>
  )
  return (
    <ButtonGroup label={label} isShown={isShown}>
      {permissions.includes('reschedule') && button('deliver-now', 'Deliver now …')}
      {permissions.includes('reschedule') && button('reschedule', 'Reschedule …')}
      {permissions.includes('cancel') && button('cancel', 'Cancel …')}
    </ButtonGroup>
  )
}
