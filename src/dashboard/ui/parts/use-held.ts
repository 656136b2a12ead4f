import { useState } from 'preact/hooks'

/** Whether somebody points at a list, or has the focus in it: then its rows should not move away. */
export function useHeld() {
  const [isPointedAt, setPointedAt] = useState(false)
  const [hasFocus, setFocus] = useState(false)
  const handlers = {
    onPointerEnter: () => setPointedAt(true),
    onPointerLeave: () => setPointedAt(false),
    onFocusIn: () => setFocus(true),
    onFocusOut: () => setFocus(false),
  }
  return { isHeld: isPointedAt || hasFocus, handlers }
}
