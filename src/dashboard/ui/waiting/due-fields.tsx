import { useId } from 'preact/hooks'
import { absoluteText, instantOfInput, zoneName } from '../text/instants.js'

export interface TypedDue {
  kind: 'in' | 'at'
  in: string
  at: string
}

export const NO_DUE: TypedDue = { kind: 'in', in: '', at: '' }

/** Undefined while it is not whole. The server says what a duration may be. */
export function dueOf(typed: TypedDue): { at: string } | { in: string } | undefined {
  if (typed.kind === 'in') return typed.in.trim() === '' ? undefined : { in: typed.in.trim() }
  const at = instantOfInput(typed.at)
  return at === undefined ? undefined : { at }
}

/** A new due time: a delay from now, or an instant in the viewer's zone. */
export function DueFields({ typed, onType }: { typed: TypedDue; onType: (typed: TypedDue) => void }) {
  const name = useId()
  const at = instantOfInput(typed.at)
  const choice = (kind: TypedDue['kind'], label: string) => (
    <label class="choice">
      <input type="radio" name={name} checked={typed.kind === kind} onChange={() => onType({ ...typed, kind })} />
      {label}
    </label>
  )
  return (
    <fieldset>
      <legend>New due time</legend>
      <div class="due-choice">
        {choice('in', 'In')}
        <input
          aria-label="Delay from now"
          placeholder="2h, 1h30m, 7d"
          value={typed.in}
          autocomplete="off"
          onInput={(event) => onType({ ...typed, kind: 'in', in: event.currentTarget.value })}
        />
      </div>
      <div class="due-choice">
        {choice('at', 'At')}
        <input
          type="datetime-local"
          step={1}
          aria-label={`Instant in ${zoneName()}`}
          value={typed.at}
          onInput={(event) => onType({ ...typed, kind: 'at', at: event.currentTarget.value })}
        />
        {/* Where summer time begins or ends, the hour that is meant. */}
        <span class="hint">{at === undefined ? zoneName() : absoluteText(Date.parse(at))}</span>
      </div>
    </fieldset>
  )
}
