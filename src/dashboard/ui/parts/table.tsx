import type { ComponentChildren } from 'preact'

interface Props {
  label: string
  /** As wide as it needs, and not as the page. */
  isCompact?: boolean
  children: ComponentChildren
}

/** A table that scrolls by itself where it is wider than the page. */
export function Table({ label, isCompact = false, children }: Props) {
  return (
    <div class={isCompact ? 'table compact' : 'table'} role="region" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </div>
  )
}
