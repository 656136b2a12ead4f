import type { FailedKindName, Permission } from '../../api.js'
import { Empty } from '../parts/empty.js'
import { PageBar } from '../parts/page-bar.js'
import { Problem } from '../parts/problem.js'
import { FailedActions } from './failed-actions.js'
import { isWhole, type FailedQuery } from './failed-query.js'
import { FailedTable } from './failed-table.js'
import { ReasonFilter } from './reason-filter.js'
import { useFailedPage } from './use-failed-page.js'

interface Props {
  kind: FailedKindName
  /** The list is asked for again when this changes. */
  changes: number | undefined
  query: FailedQuery
  /** The id of the message in the panel. */
  open: string | null
  permissions: readonly Permission[]
}

/** The failed messages of a queue, page by page, and the changes of some or all of them. */
export function FailedList({ kind, changes, query, open, permissions }: Props) {
  const { list, selected, setSelected, choose, paging } = useFailedPage(kind, query, changes)
  const { data, failure, reload } = list
  return (
    <section class="failed-list" aria-label="Messages">
      <Problem failure={failure} retry={reload} />
      {data && <ReasonFilter query={query} reasons={data.reasons} onChoose={choose} />}
      {data && (
        <FailedActions
          {...{ kind, query, permissions, count: list.isCurrent ? data.count : undefined }}
          selected={data.messages.flatMap(({ id }) => (id !== null && selected.has(id) ? [id] : []))}
          clear={() => setSelected(new Set())}
        />
      )}
      {data?.messages.length === 0 && !isWhole(query) && <Empty title="No message fits. Clear the filter above." />}
      {data && data.messages.length > 0 && (
        <FailedTable
          {...{ kind, query, rows: data.messages, open, selected }}
          canSelect={permissions.includes('redrive') || permissions.includes('purge')}
          onSelect={setSelected}
        />
      )}
      <PageBar {...paging} />
    </section>
  )
}
