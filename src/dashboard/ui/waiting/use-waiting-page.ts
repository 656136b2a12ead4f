import { useEffect, useState } from 'preact/hooks'
import type { Search, WaitingKey, WaitingList, WaitingRow } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { useStateOf } from '../data/use-state-of.js'
import { announce } from '../parts/announcer.js'
import { useHeld } from '../parts/use-held.js'
import { countText } from '../text/numbers.js'
import { rowKey, waitingKey } from './row-key.js'
import { isEmptySearch, searchText } from './search-fields.js'

const REFRESH_MS = 5000
const NO_CURSORS: readonly string[] = []
const NONE: ReadonlyMap<string, WaitingKey> = new Map()

/** A page of the messages that fit a search. It stands still while somebody points at it or has selected something. */
export function useWaitingPage(search: Search) {
  const asked = searchText(search)
  const [cursors, changeCursors] = useStateOf<readonly string[]>(asked, NO_CURSORS)
  const [limit, setLimit] = useState(100)
  const [selected, changeSelected] = useStateOf<ReadonlyMap<string, WaitingKey>>(asked, NONE)
  const { isHeld, handlers } = useHeld()
  const refresh = isHeld || selected.size > 0 || cursors.length > 0 ? {} : { everyMs: REFRESH_MS }
  const list = useRequest<WaitingList>('waiting', { ...search, limit, cursor: cursors.at(-1) }, refresh)
  const count = useCount(search, refresh)
  const next = list.data?.cursor
  return {
    list,
    total: count.total,
    handlers,
    failure: list.failure ?? count.failure,
    reload: () => {
      list.reload()
      count.reload()
    },
    selected,
    select: (rows: readonly WaitingRow[], on: boolean) => changeSelected((before) => withRows(before, rows, on)),
    unselect: () => changeSelected(() => NONE),
    paging: {
      limit,
      page: cursors.length + 1,
      hasMore: !!next,
      onLimit: (wanted: number) => {
        changeCursors(() => NO_CURSORS)
        setLimit(wanted)
      },
      onBack: () => changeCursors((before) => before.slice(0, -1)),
      // The cursor may still be that of the page or the search before.
      onNext: () => next && list.isCurrent && changeCursors((before) => [...before, next]),
    },
  }
}

/** How many messages fit. A change of all is confirmed with this number: never with that of the search before. */
function useCount(search: Search, refresh: { everyMs?: number }) {
  const { data, failure, isCurrent, reload } = useRequest<{ count: number }>('waiting/count', { ...search }, refresh)
  const total = isCurrent ? data?.count : undefined
  useEffect(() => {
    if (total !== undefined && !isEmptySearch(search)) announce(`${countText(total, 'message')} found`)
  }, [searchText(search), total])
  return { total, failure, reload }
}

function withRows(selected: ReadonlyMap<string, WaitingKey>, rows: readonly WaitingRow[], on: boolean) {
  const next = new Map(selected)
  for (const row of rows) {
    if (on) next.set(rowKey(row), waitingKey(row))
    else next.delete(rowKey(row))
  }
  return next
}
