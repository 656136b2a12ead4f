import { useState } from 'preact/hooks'
import type { FailedChoice, Permission } from '../../api.js'
import { ButtonGroup } from '../parts/button-group.js'
import { PurgeDialog } from './purge-dialog.js'
import { RedriveDialog } from './redrive-dialog.js'

interface Props {
  /** Of which messages. */
  label: string
  isShown?: boolean
  choice: FailedChoice
  count: number
  permissions: readonly Permission[]
  onDone?: () => void
}

/** The changes of failed messages that this viewer may make. */
export function FailedButtons({ label, isShown = true, choice, count, permissions, onDone }: Props) {
  // As it was when the button was pressed: what the dialog says does not change under the reader.
  const [asked, setAsked] = useState<{ deed: 'redrive' | 'purge'; choice: FailedChoice; count: number }>()
  const close = () => setAsked(undefined)
  const button = (deed: 'redrive' | 'purge', text: string) =>
    permissions.includes(deed) && (
      <button type="button" disabled={count === 0} onClick={() => setAsked({ deed, choice, count })}>
        {text}
      </button>
    )
  if (!permissions.includes('redrive') && !permissions.includes('purge')) return null
  return (
    <ButtonGroup label={label} isShown={isShown}>
      {button('redrive', 'Redrive …')}
      {button('purge', 'Purge …')}
      {asked?.deed === 'redrive' && <RedriveDialog {...asked} onDone={onDone} onClose={close} />}
      {asked?.deed === 'purge' && <PurgeDialog {...asked} onDone={onDone} onClose={close} />}
    </ButtonGroup>
  )
}
