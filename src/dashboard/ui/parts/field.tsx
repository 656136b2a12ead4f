import type { ComponentChildren, InputHTMLAttributes } from 'preact'
import { useId } from 'preact/hooks'

interface Props {
  label: ComponentChildren
  value: string
  onType: (value: string) => void
  type?: 'text' | 'search' | 'number' | 'datetime-local'
  placeholder?: string
  inputMode?: 'numeric'
  min?: string
  step?: string
}

/** An input with its label. */
export function Field({ label, onType, type = 'text', ...input }: Props) {
  const id = useId()
  const attributes = { id, type, autocomplete: 'off', spellcheck: false, ...input } as InputHTMLAttributes
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input {...attributes} onInput={(event) => onType(event.currentTarget.value)} />
    </div>
  )
}
