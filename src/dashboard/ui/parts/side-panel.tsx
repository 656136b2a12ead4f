import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Text } from './text.js'

interface Props {
  /** What it shows: `Message`. */
  what: string
  /** An id. */
  title: string
  onClose: () => void
  children: ComponentChildren
}

/** One thing whole, beside the list that it is from. Escape closes it, and the focus goes back to where it was. */
export function SidePanel({ what, title, onClose, children }: Props) {
  const panel = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const [own, before] = [panel.current, document.activeElement]
    heading.current?.focus()
    return () => {
      const { activeElement, body } = document
      // A focus outside of the panel stays. On the body: some browsers do not focus a button that is clicked.
      if (activeElement && activeElement !== body && !own?.contains(activeElement)) return
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [title])
  const onKeyDown = (event: KeyboardEvent) => {
    // A dialog in front of it has its own.
    if (event.key === 'Escape' && !(event.target as Element).closest('dialog')) onClose()
  }
  return (
    <aside ref={panel} class="side-panel" aria-label={what} onKeyDown={onKeyDown}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          <span class="what">{what}</span> <Text text={title} />
        </h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </header>
      {children}
    </aside>
  )
}
