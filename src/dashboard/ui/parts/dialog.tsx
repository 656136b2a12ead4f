import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import type { Action } from '../data/use-action.js'
import { Problem } from './problem.js'

interface Props {
  title: string
  /** Of the button that does it. */
  deed: string
  dangerous?: boolean
  disabled?: boolean
  action: Action
  onDeed: () => void
  onClose: () => void
  children: ComponentChildren
}

/** Asks before a change. Escape and "Keep as it is" change nothing; the focus goes back to where it was. */
export function Dialog({ title, deed, dangerous, disabled = false, action, onDeed, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  const submit = (event: Event) => {
    event.preventDefault()
    if (!disabled && !action.busy) onDeed()
  }
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={onClose}>
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        {children}
        <Problem failure={action.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Keep as it is
          </button>
          <button type="submit" class={dangerous ? 'dangerous' : 'primary'} disabled={disabled || action.busy}>
            {action.busy ? 'One moment …' : deed}
          </button>
        </div>
      </form>
    </dialog>
  )
}
