import type { Search, WaitingKey, WaitingRow } from '../../api.js'
import { Table } from '../parts/table.js'
import { WaitingTableRow } from './waiting-table-row.js'
import { rowKey } from './row-key.js'
import type { Column, Order } from './sort-rows.js'

interface Props {
  rows: readonly WaitingRow[]
  order: Order
  selected: ReadonlyMap<string, WaitingKey>
  search: Search
  open: string | null
  canSelect: boolean
  onSort: (column: Column) => void
  onSelect: (rows: readonly WaitingRow[], on: boolean) => void
}

const COLUMNS: readonly (readonly [column: Column, title: string])[] = [
  ['readyAt', 'Due'],
  ['id', 'Id'],
  ['name', 'Name'],
  ['destination', 'Destination'],
  ['attempt', 'Attempt'],
]

export function WaitingTable({ rows, order, selected, search, open, canSelect, onSort, onSelect }: Props) {
  const all = rows.length > 0 && rows.every((row) => selected.has(rowKey(row)))
  const selectAll = () => onSelect(rows, !all)
  return (
    <Table label="Waiting messages">
      <thead>
        <tr>
          {canSelect && (
            <th class="box">
              <input type="checkbox" aria-label="All of this page" checked={all} onChange={selectAll} />
            </th>
          )}
          {COLUMNS.map(([column, title]) => (
            <ColumnHead key={column} {...{ column, title, order, onSort }} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <WaitingTableRow
            key={rowKey(row)}
            {...{ row, search, canSelect }}
            isOpen={row.id === open}
            isSelected={selected.has(rowKey(row))}
            onSelect={onSelect}
          />
        ))}
      </tbody>
    </Table>
  )
}

interface HeadProps {
  column: Column
  title: string
  order: Order
  onSort: (column: Column) => void
}

function ColumnHead({ column, title, order, onSort }: HeadProps) {
  const isSorted = order.by === column
  const sort = () => onSort(column)
  return (
    <th
      class={`column-${column}${column === 'attempt' ? ' number' : ''}`}
      aria-sort={isSorted ? (order.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" class="sort" onClick={sort}>
        {title}
        <span aria-hidden="true">{isSorted ? (order.descending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  )
}
