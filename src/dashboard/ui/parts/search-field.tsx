import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from './field.js'

interface Props {
  label: string
  value: string
  /** Before it is searched for, so that nothing is asked as long as somebody types. */
  pauseMs?: number
  onChange: (value: string) => void
}

/** Narrows a list as one types. */
export function SearchField({ label, value, pauseMs = 150, onChange }: Props) {
  const [typed, setTyped] = useState(value)
  const asked = useRef(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  // Another filter may be chosen before the pause is over.
  const latest = useRef(onChange)
  latest.current = onChange
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    // A link, or the buttons of the browser: not what was typed here.
    if (value === asked.current) return
    asked.current = value
    setTyped(value)
  }, [value])
  const type = (next: string) => {
    setTyped(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      asked.current = next
      latest.current(next)
    }, pauseMs)
  }
  return <Field type="search" label={label} value={typed} onType={type} />
}
