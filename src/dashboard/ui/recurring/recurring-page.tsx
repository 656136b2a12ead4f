import { useState } from 'preact/hooks'
import type { About, RecurringList } from '../../api.js'
import { goTo, hrefOf, parseRoute } from '../data/hash-route.js'
import { useRequest } from '../data/use-request.js'
import { Empty } from '../parts/empty.js'
import { Problem } from '../parts/problem.js'
import { SearchField } from '../parts/search-field.js'
import { RecurringPanel } from './recurring-panel.js'
import { RecurringTable } from './recurring-table.js'

export function RecurringPage({ about, query }: { about: About; query: URLSearchParams }) {
  const [idPrefix, open] = [query.get('idPrefix') ?? '', query.get('schedule')]
  const [cursors, setCursors] = useState<readonly string[]>([])
  const list = useRequest<RecurringList>('recurring', { idPrefix, cursor: cursors.at(-1) }, { everyMs: 10_000 })
  const search = (next: string) => {
    setCursors([])
    // The schedule in the panel stays. It may have been opened after the last letter was typed.
    const schedule = parseRoute(location.hash).query.get('schedule')
    goTo(hrefOf('recurring', { idPrefix: next, schedule }), { replace: true })
  }
  const { data } = list
  return (
    <div class="with-panel">
      <div class="list-side">
        <h1>Recurring messages</h1>
        <div class="search-field">
          <SearchField label="The id begins with" value={idPrefix} onChange={search} />
        </div>
        <Problem failure={list.failure} retry={list.reload} />
        {data?.schedules.length === 0 && <None isSearch={idPrefix !== ''} />}
        {data && data.schedules.length > 0 && <RecurringTable rows={data.schedules} idPrefix={idPrefix} open={open} />}
        <Pages cursors={cursors} next={data?.cursor ?? null} onCursors={setCursors} />
      </div>
      {open !== null && (
        <RecurringPanel
          key={open}
          id={open}
          permissions={about.permissions}
          onChanged={list.reload}
          onClose={() => goTo(hrefOf('recurring', { idPrefix }))}
        />
      )}
    </div>
  )
}

function None({ isSearch }: { isSearch: boolean }) {
  if (isSearch) return <Empty title="No schedule has an id that begins like this." />
  return (
    <Empty title="No recurring message is set.">
      <p>
        Set one with <code>mq.recurring.set(id, …)</code>, or many from a file with{' '}
        <code>dueque recurring apply schedules.yaml</code>.
      </p>
    </Empty>
  )
}

interface PagesProps {
  /** Of the pages up to this one. */
  cursors: readonly string[]
  next: string | null
  onCursors: (cursors: readonly string[]) => void
}

function Pages({ cursors, next, onCursors }: PagesProps) {
  if (cursors.length === 0 && next === null) return null
  return (
    <div class="page-bar">
      <button type="button" disabled={cursors.length === 0} onClick={() => onCursors(cursors.slice(0, -1))}>
        Previous
      </button>
      <button type="button" disabled={next === null} onClick={() => next !== null && onCursors([...cursors, next])}>
        Next
      </button>
    </div>
  )
}
