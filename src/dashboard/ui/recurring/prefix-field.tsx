import { useEffect, useId, useRef, useState } from 'preact/hooks'

/** Narrows the list as one types. */
export function PrefixField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId()
  const [typed, setTyped] = useState(value)
  const asked = useRef(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
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
      onChange(next)
    }, 150)
  }
  return (
    <div class="field">
      <label for={id}>The id begins with</label>
      <input
        id={id}
        type="search"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => type(event.currentTarget.value)}
      />
    </div>
  )
}
