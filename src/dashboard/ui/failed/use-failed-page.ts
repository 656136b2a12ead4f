import { useEffect, useState } from 'preact/hooks'
import type { FailedKindName, FailedList } from '../../api.js'
import { goTo, parseRoute } from '../data/hash-route.js'
import { useRequest } from '../data/use-request.js'
import { useStateOf } from '../data/use-state-of.js'
import { failedHref, type FailedQuery } from './failed-query.js'

const NONE: ReadonlySet<string> = new Set()

/**
 * A page of failed messages. It stands still while somebody has selected something.
 *
 * @param changes the list is asked for again when this changes
 */
export function useFailedPage(kind: FailedKindName, query: FailedQuery, changes: unknown) {
  const [limit, setLimit] = useState(100)
  // A link, too, leads to other messages.
  const asked = JSON.stringify({ kind, ...query })
  const [page, changePage] = useStateOf(asked, 0)
  const [selected, changeSelected] = useStateOf<ReadonlySet<string>>(asked, NONE)
  const refresh = selected.size > 0 ? {} : { everyMs: 30_000, on: changes }
  const list = useRequest<FailedList>('failed/list', { kind, ...query, offset: page * limit, limit }, refresh)
  const { data } = list
  // A message of another page, or one that is gone, is not selected any more: the list would stand still for it.
  useEffect(() => {
    if (data) changeSelected((before) => idsOn(data, before))
  }, [data])
  return {
    list,
    selected,
    setSelected: (ids: ReadonlySet<string>) => changeSelected(() => ids),
    choose: (next: FailedQuery) => {
      // The message in the panel stays.
      const open = parseRoute(location.hash).query.get('message') ?? undefined
      goTo(failedHref(kind, next, open), { replace: true })
    },
    paging: {
      total: data?.count,
      rows: data?.messages.length ?? 0,
      page: page + 1,
      limit,
      hasMore: data !== undefined && (page + 1) * limit < data.count,
      onLimit: (wanted: number) => {
        changePage(() => 0)
        setLimit(wanted)
      },
      onBack: () => changePage((before) => before - 1),
      // The count may still be that of the page or the choice before.
      onNext: () => list.isCurrent && changePage((before) => before + 1),
    },
  }
}

/** The selected ids that a page has; the same set if that is all of them. */
function idsOn({ messages }: FailedList, selected: ReadonlySet<string>): ReadonlySet<string> {
  const ids = new Set(messages.flatMap(({ id }) => (id !== null && selected.has(id) ? [id] : [])))
  return ids.size === selected.size ? selected : ids
}
