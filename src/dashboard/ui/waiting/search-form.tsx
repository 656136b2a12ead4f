import { useEffect, useRef, useState } from 'preact/hooks'
import type { Search } from '../../api.js'
import { Field } from '../parts/field.js'
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
  const { typed, type, ask } = useTyped(search, onSearch)
  const form = useRef<HTMLFormElement>(null)
  const clear = () => {
    ask(typedOf({}))
    // The button is disabled then, and would lose the focus to nowhere.
    form.current?.querySelector('input')?.focus()
  }
  const submit = (event: Event) => {
    event.preventDefault()
    ask(typed)
  }
  return (
    <form ref={form} class="search" role="search" aria-label="Waiting messages" onSubmit={submit}>
      <Fields typed={typed} type={type} />
      <button type="button" onClick={clear} disabled={isEmptySearch(search) && isEmptySearch(searchIn(typed, search))}>
        Clear
      </button>
    </form>
  )
}

/** What is in the fields, and the search that follows from it, after a pause or at once. */
function useTyped(search: Search, onSearch: Props['onSearch']) {
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
    clearTimeout(timer.current)
    setTyped(next)
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
  return { typed, type, ask }
}

function Fields({ typed, type }: { typed: TypedSearch; type: (field: keyof Search, value: string) => void }) {
  const common = (name: keyof Search) => ({ value: typed[name], onType: (value: string) => type(name, value) })
  const field = (name: keyof Search, label: string, hint: string) => (
    <Field type="search" label={label} placeholder={hint} {...common(name)} />
  )
  const instant = (name: 'from' | 'to', label: string) => (
    <Field type="datetime-local" step="1" label={label} {...common(name)} />
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
