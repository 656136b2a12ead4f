import type { FailedKindName, Permission } from '../../api.js'
import { countText, numberText } from '../text/numbers.js'
import { FailedButtons } from './failed-buttons.js'
import { isWhole, type FailedQuery } from './failed-query.js'

interface Props {
  kind: FailedKindName
  query: FailedQuery
  /** The ids of the selected rows: copies of a message have the same. */
  selected: readonly string[]
  /** Messages that fit the query. Undefined while they are being counted. */
  count: number | undefined
  permissions: readonly Permission[]
  clear: () => void
}

/** Redrives or purges the selected messages; while none is, all that fit. */
export function FailedActions({ kind, query, selected, count, permissions, clear }: Props) {
  const choice = { kind, ...query }
  const isSome = selected.length > 0
  const all = `${count === undefined ? 'All' : `All ${countText(count, 'message')}`}${isWhole(query) ? '' : ' that match'}`
  return (
    <div class="bulk-bar">
      <FailedButtons
        label={isSome ? `${numberText(selected.length)} selected` : all}
        choice={isSome ? { ...choice, id: [...new Set(selected)] } : choice}
        count={isSome ? selected.length : (count ?? 0)}
        permissions={permissions}
        onDone={clear}
      />
      {isSome && (
        <button type="button" class="plain" onClick={clear}>
          Select none
        </button>
      )}
    </div>
  )
}
