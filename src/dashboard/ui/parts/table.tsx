import type { ComponentChildren } from 'preact'

/** A table that scrolls by itself where it is wider than the page. */
export function Table({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="table" role="region" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </div>
  )
}
