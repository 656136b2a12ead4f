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

/** One thing whole, beside the list that it is from. Escape closes it. */
export function SidePanel({ what, title, onClose, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const before = document.activeElement
    heading.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [title])
  const onKeyDown = (event: KeyboardEvent) => {
    // A dialog in front of it has its own.
    if (event.key === 'Escape' && !(event.target as Element).closest('dialog')) onClose()
  }
  return (
    <aside class="side-panel" aria-label={what} onKeyDown={onKeyDown}>
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
