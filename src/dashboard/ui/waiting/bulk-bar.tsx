import { useState } from 'preact/hooks'
import type { Permission, Search, WaitingKey } from '../../api.js'
import { numberText } from '../text/numbers.js'
import { ChangeDialog, type Target } from './change-dialog.js'
import { ChangeButtons, type ChangeAction } from './change-buttons.js'
import { isEmptySearch } from './search-fields.js'

interface Props {
  selected: ReadonlyMap<string, WaitingKey>
  search: Search
  /** Messages that fit the search. */
  total: number | undefined
  permissions: readonly Permission[]
  clear: () => void
}

/** Changes the selected messages, or all that fit the search. */
export function BulkBar({ selected, search, total, permissions, clear }: Props) {
  const [asked, setAsked] = useState<{ action: ChangeAction; target: Target }>()
  if (!permissions.includes('cancel') && !permissions.includes('reschedule')) return null
  const some = { messages: [...selected.values()] }
  const all = total !== undefined && total > 0 ? { search, expected: total } : undefined
  return (
    <div class="bulk-bar">
      <ChangeButtons
        permissions={permissions}
        label={`${numberText(selected.size)} selected`}
        disabled={selected.size === 0}
        onChange={(action) => setAsked({ action, target: some })}
      />
      <ChangeButtons
        permissions={permissions}
        label={
          all
            ? `All ${numberText(all.expected)} ${isEmptySearch(search) ? 'messages' : 'that match'}`
            : 'All that match'
        }
        disabled={!all}
        onChange={(action) => all && setAsked({ action, target: all })}
      />
      {asked && <ChangeDialog {...asked} onDone={clear} onClose={() => setAsked(undefined)} />}
    </div>
  )
}
