import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Search } from '../../api.js'
import { zoneName } from '../text/instants.js'
import { isEmptySearch, searchIn, searchText, typedOf, type TypedSearch } from './search-fields.js'

interface Props {
  search: Search
  onSearch: (search: Search) => void
}

/** As long as somebody types, nothing is asked. */
const PAUSE_MS = 150

/** Searches as one types. */
export function SearchForm({ search, onSearch }: Props) {
  const [typed, setTyped] = useState(() => typedOf(search))
  const asked = useRef(searchText(search))
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    // A link, or the buttons of the browser: not what was typed here.
    if (searchText(search) === asked.current) return
    asked.current = searchText(search)
    setTyped(typedOf(search))
  }, [searchText(search)])
  useEffect(() => () => clearTimeout(timer.current), [])

  const ask = (next: TypedSearch) => {
    const wanted = searchIn(next, search)
    asked.current = searchText(wanted)
    onSearch(wanted)
  }
  const type = (field: keyof Search, value: string) => {
    const next = { ...typed, [field]: value }
    setTyped(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => ask(next), PAUSE_MS)
  }
  const clear = () => {
    clearTimeout(timer.current)
    setTyped(typedOf({}))
    ask(typedOf({}))
  }
  const submit = (event: Event) => {
    event.preventDefault()
    clearTimeout(timer.current)
    ask(typed)
  }
  return (
    <form class="search" role="search" aria-label="Waiting messages" onSubmit={submit}>
      <Fields typed={typed} type={type} />
      <button type="button" onClick={clear} disabled={isEmptySearch(search) && isEmptySearch(searchIn(typed, search))}>
        Clear
      </button>
    </form>
  )
}

function Fields({ typed, type }: { typed: TypedSearch; type: (field: keyof Search, value: string) => void }) {
  const field = (name: keyof Search, label: string, hint?: string) => (
    <Field label={label} value={typed[name]} hint={hint} onType={(value) => type(name, value)} />
  )
  const instant = (name: 'from' | 'to', label: string) => (
    <Field label={label} value={typed[name]} kind="datetime-local" onType={(value) => type(name, value)} />
  )
  return (
    <>
      {field('id', 'Part of the id', 'appointment-42')}
      {field('idPrefix', 'The id begins with', 'appointment-')}
      {field('name', 'Name', 'appointment.reminder')}
      {field('destination', 'Destination', 'queue:reminders')}
      {field('header', 'Header', 'clinic=north')}
      {instant('from', `Due from (${zoneName()})`)}
      {instant('to', 'Due before')}
    </>
  )
}

interface FieldProps {
  label: string
  value: string
  kind?: 'search' | 'datetime-local'
  hint?: string | undefined
  onType: (value: string) => void
}

function Field({ label, value, kind = 'search', hint, onType }: FieldProps) {
  const id = useId()
  const onInput = (event: { currentTarget: HTMLInputElement }) => onType(event.currentTarget.value)
  const common = { id, value, onInput, autocomplete: 'off' } as const
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {kind === 'search' ? (
        <input type="search" placeholder={hint} spellcheck={false} {...common} />
      ) : (
        <input type="datetime-local" step={1} {...common} />
      )}
    </div>
  )
}
