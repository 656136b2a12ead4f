import type { Permission, WaitingChange } from '../../api.js'

export type ChangeAction = WaitingChange['action']

interface Props {
  permissions: readonly Permission[]
  /** Of which messages. */
  label: string
  disabled?: boolean
  onChange: (action: ChangeAction) => void
}

/** The changes that this viewer may make. */
export function ChangeButtons({ permissions, label, disabled = false, onChange }: Props) {
  const button = (action: ChangeAction, text: string) => (
    <button type="button" disabled={disabled} onClick={() => onChange(action)}>
      {text}
    </button>
  )
  return (
    <div class="change-buttons" role="group" aria-label={label}>
      <span class="label">{label}</span>
      {permissions.includes('reschedule') && button('deliver-now', 'Deliver now …')}
      {permissions.includes('reschedule') && button('reschedule', 'Reschedule …')}
      {permissions.includes('cancel') && button('cancel', 'Cancel …')}
    </div>
  )
}
