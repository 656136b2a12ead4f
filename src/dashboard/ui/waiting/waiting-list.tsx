import { useState } from 'preact/hooks'
import type { Permission, Search } from '../../api.js'
import { Empty } from '../parts/empty.js'
import { PageBar } from '../parts/page-bar.js'
import { Problem } from '../parts/problem.js'
import { BulkBar } from './bulk-bar.js'
import { isEmptySearch } from './search-fields.js'
import { BY_TIME, orderAfter, sortRows } from './sort-rows.js'
import { useWaitingPage } from './use-waiting-page.js'
import { WaitingTable } from './waiting-table.js'

interface Props {
  search: Search
  /** The id of the message in the panel. */
  open: string | null
  permissions: readonly Permission[]
}

/** The messages that fit a search, page by page, and the changes of some or all of them. */
export function WaitingList({ search, open, permissions }: Props) {
  const [order, setOrder] = useState(BY_TIME)
  const { list, total, failure, reload, selected, select, unselect, paging, handlers } = useWaitingPage(search)
  const rows = sortRows(list.data?.messages ?? [], order)
  return (
    <div {...handlers}>
      <Problem failure={failure} retry={reload} />
      <BulkBar {...{ selected, search, total, permissions }} clear={unselect} />
      {list.data && rows.length === 0 ? (
        <NoneFound search={search} />
      ) : (
        <WaitingTable
          {...{ rows, order, selected, search, open }}
          canSelect={permissions.includes('cancel') || permissions.includes('reschedule')}
          onSort={(column) => setOrder(orderAfter(order, column))}
          onSelect={select}
        />
      )}
      <PageBar total={total} rows={rows.length} {...paging} />
    </div>
  )
}

function NoneFound({ search }: { search: Search }) {
  if (!isEmptySearch(search)) {
    return (
      <Empty title="No waiting message fits this search.">
        <p>Clear a field, or look among the dead messages: a message that is due does not wait any more.</p>
      </Empty>
    )
  }
  return (
    <Empty title="No message waits.">
      <p>
        Schedule one: <code>{"await mq.schedule(message, payload, { to, in: '1h' })"}</code>
      </p>
    </Empty>
  )
}
