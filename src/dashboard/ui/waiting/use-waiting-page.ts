import { useEffect, useState } from 'preact/hooks'
import type { Search, WaitingKey, WaitingList, WaitingRow } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { announce } from '../parts/announcer.js'
import { useHeld } from '../parts/use-held.js'
import { countText } from '../text/numbers.js'
import { rowKey, waitingKey } from './row-key.js'
import { isEmptySearch, searchText } from './search-fields.js'

const REFRESH_MS = 5000

/** A page of the messages that fit a search. It stands still while somebody points at it or has selected something. */
export function useWaitingPage(search: Search) {
  const [cursors, setCursors] = useState<readonly string[]>([])
  const [limit, setLimit] = useState(100)
  const [selected, setSelected] = useState<ReadonlyMap<string, WaitingKey>>(new Map())
  const { isHeld, handlers } = useHeld()
  const refresh = isHeld || selected.size > 0 || cursors.length > 0 ? {} : { everyMs: REFRESH_MS }
  const list = useRequest<WaitingList>('waiting', { ...search, limit, cursor: cursors.at(-1) }, refresh)
  const count = useRequest<{ count: number }>('waiting/count', { ...search }, refresh)
  const asked = searchText(search)
  // A change of all is confirmed with this number: never with that of the search before.
  const total = count.isCurrent ? count.data?.count : undefined
  useEffect(() => {
    setCursors([])
    setSelected(new Map())
  }, [asked])
  useEffect(() => {
    if (total !== undefined && !isEmptySearch(search)) announce(`${countText(total, 'message')} found`)
  }, [asked, total])

  const next = list.data?.cursor
  return {
    list,
    total,
    handlers,
    failure: list.failure ?? count.failure,
    selected,
    select: (rows: readonly WaitingRow[], on: boolean) => setSelected(withRows(selected, rows, on)),
    unselect: () => setSelected(new Map()),
    paging: {
      limit,
      page: cursors.length + 1,
      hasMore: !!next,
      onLimit: (wanted: number) => {
        setCursors([])
        setLimit(wanted)
      },
      onBack: () => setCursors(cursors.slice(0, -1)),
      onNext: () => next && setCursors([...cursors, next]),
    },
  }
}

function withRows(selected: ReadonlyMap<string, WaitingKey>, rows: readonly WaitingRow[], on: boolean) {
  const next = new Map(selected)
  for (const row of rows) {
    if (on) next.set(rowKey(row), waitingKey(row))
    else next.delete(rowKey(row))
  }
  return next
}
