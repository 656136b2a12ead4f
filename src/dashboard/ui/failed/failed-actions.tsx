import type { FailedKindName, Permission } from '../../api.js'
import { countText, numberText } from '../text/numbers.js'
import { FailedButtons } from './failed-buttons.js'
import { isWhole, type FailedQuery } from './failed-query.js'

interface Props {
  kind: FailedKindName
  query: FailedQuery
  /** Ids. */
  selected: readonly string[]
  /** Messages that fit the query. */
  count: number
  permissions: readonly Permission[]
  onDone: () => void
}

/** Redrives or purges the selected messages, or all that fit. */
export function FailedActions({ kind, query, selected, count, permissions, onDone }: Props) {
  const choice = { kind, ...query }
  return (
    <div class="bulk-bar">
      <FailedButtons
        label={`${numberText(selected.length)} selected`}
        choice={{ ...choice, id: [...selected] }}
        count={selected.length}
        {...{ permissions, onDone }}
      />
      <FailedButtons
        label={`All ${countText(count, 'message')}${isWhole(query) ? '' : ' that match'}`}
        {...{ choice, count, permissions, onDone }}
      />
    </div>
  )
}
