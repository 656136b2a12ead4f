import type { FailedKindName, Permission } from '../../api.js'
import { countText, numberText } from '../text/numbers.js'
import { FailedButtons } from './failed-buttons.js'
import { isWhole, type FailedQuery } from './failed-query.js'

interface Props {
  kind: FailedKindName
  query: FailedQuery
  /** Ids. */
  selected: readonly string[]
  /** Messages that fit the query. Undefined while they are being counted. */
  count: number | undefined
  permissions: readonly Permission[]
  onDone: () => void
}

/** Redrives or purges the selected messages, or all that fit. */
export function FailedActions({ kind, query, selected, count, permissions, onDone }: Props) {
  const choice = { kind, ...query }
  const all = count === undefined ? 'All' : `All ${countText(count, 'message')}`
  return (
    <div class="bulk-bar">
      <FailedButtons
        label={`${numberText(selected.length)} selected`}
        choice={{ ...choice, id: [...selected] }}
        count={selected.length}
        {...{ permissions, onDone }}
      />
      <FailedButtons
        label={`${all}${isWhole(query) ? '' : ' that match'}`}
        count={count ?? 0}
        {...{ choice, permissions, onDone }}
      />
    </div>
  )
}
