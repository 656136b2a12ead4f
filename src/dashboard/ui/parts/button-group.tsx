import type { ComponentChildren } from 'preact'

interface Props {
  /** What the buttons change. */
  label: string
  /** Unless it can be seen from where they are. */
  isShown?: boolean
  children: ComponentChildren
}

/** The changes of some messages, side by side. */
export function ButtonGroup({ label, isShown = true, children }: Props) {
  return (
    <div class="button-group" role="group" aria-label={label}>
      {isShown && <span class="label">{label}</span>}
      {children}
    </div>
  )
}
