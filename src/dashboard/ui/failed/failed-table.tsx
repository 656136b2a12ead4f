import type { FailedKindName, FailedRow } from '../../api.js'
import { Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { bytesText } from '../text/numbers.js'
import { visibleText } from '../text/visible-text.js'
import { failedHref, type FailedQuery } from './failed-query.js'

interface Props {
  kind: FailedKindName
  query: FailedQuery
  rows: readonly FailedRow[]
  open: string | null
  selected: ReadonlySet<string>
  canSelect: boolean
  onSelect: (selected: ReadonlySet<string>) => void
}

/** A message without an id cannot be selected: nothing else names it. */
export function FailedTable({ kind, query, rows, open, selected, canSelect, onSelect }: Props) {
  const ids = rows.flatMap(({ id }) => (id === null ? [] : [id]))
  const all = ids.length > 0 && ids.every((id) => selected.has(id))
  const toggle = (id: string) => onSelect(toggled(selected, id))
  return (
    <Table label="Failed messages">
      <thead>
        <tr>
          {canSelect && (
            <th class="box">
              <input
                type="checkbox"
                aria-label="All of this page"
                checked={all}
                onChange={() => onSelect(new Set(all ? [] : ids))}
              />
            </th>
          )}
          <th>Failed</th>
          <th>Id</th>
          <th>Reason</th>
          <th class="wide">Name</th>
          {kind === 'dead' ? <th class="wide number">Attempts</th> : <th class="wide">Destination</th>}
          <th class="wide number">Size</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <Row
            key={row.id ?? `no id ${i}`}
            {...{ kind, query, row, canSelect, isOpen: row.id !== null && row.id === open }}
            isSelected={row.id !== null && selected.has(row.id)}
            onToggle={toggle}
          />
        ))}
      </tbody>
    </Table>
  )
}

interface RowProps {
  kind: FailedKindName
  query: FailedQuery
  row: FailedRow
  canSelect: boolean
  isOpen: boolean
  isSelected: boolean
  onToggle: (id: string) => void
}

function Row({ kind, query, row, canSelect, isOpen, isSelected, onToggle }: RowProps) {
  const { id, name, reason, error, attempts, destination, failedAt, bytes } = row
  return (
    <tr class={isOpen ? 'open' : undefined}>
      {canSelect && (
        <td class="box">
          <input
            type="checkbox"
            aria-label={`Select ${visibleText(id ?? 'the message without an id')}`}
            disabled={id === null}
            checked={isSelected}
            onChange={() => id !== null && onToggle(id)}
          />
        </td>
      )}
      <td>
        <Time at={failedAt} />
      </td>
      <td class="column-id">
        {id === null ? <span class="none">without an id</span> : <IdLink {...{ kind, query, id, isOpen }} />}
      </td>
      <ReasonCell reason={reason} error={error} />
      <td class="wide">
        <Text text={name} />
      </td>
      {kind === 'dead' ? (
        <td class="wide number">{attempts ?? '–'}</td>
      ) : (
        <td class="wide">
          <Text text={destination} />
        </td>
      )}
      <td class="wide number">{bytesText(bytes)}</td>
    </tr>
  )
}

function IdLink({ kind, query, id, isOpen }: Pick<RowProps, 'kind' | 'query' | 'isOpen'> & { id: string }) {
  return (
    <a href={failedHref(kind, query, id)} aria-current={isOpen ? 'true' : undefined}>
      <Text text={id} />
    </a>
  )
}

function toggled(selected: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selected)
  if (!next.delete(id)) next.add(id)
  return next
}

function ReasonCell({ reason, error }: Pick<FailedRow, 'reason' | 'error'>) {
  return (
    <td class="reason">
      <Text text={reason} />
      {error && (
        <span class="error-line">
          <Text text={error} />
        </span>
      )}
    </td>
  )
}
