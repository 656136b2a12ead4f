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

/** Changes the selected messages; while none is, all that fit the search. */
export function BulkBar({ selected, search, total, permissions, clear }: Props) {
  const [asked, setAsked] = useState<{ action: ChangeAction; target: Target }>()
  if (!permissions.includes('cancel') && !permissions.includes('reschedule')) return null
  const isSome = selected.size > 0
  const all = total !== undefined && total > 0 ? { search, expected: total } : undefined
  const target = isSome ? { messages: [...selected.values()] } : all
  return (
    <div class="bulk-bar">
      <ChangeButtons
        permissions={permissions}
        label={isSome ? `${numberText(selected.size)} selected` : allText(all?.expected, isEmptySearch(search))}
        disabled={!target}
        onChange={(action) => target && setAsked({ action, target })}
      />
      {isSome && (
        <button type="button" class="plain" onClick={clear}>
          Select none
        </button>
      )}
      {asked && <ChangeDialog {...asked} onDone={clear} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

function allText(count: number | undefined, isEverything: boolean): string {
  if (count === undefined) return 'All that match'
  return `All ${numberText(count)} ${isEverything ? 'messages' : 'that match'}`
}
