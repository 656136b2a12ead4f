import type { RecurringRow } from '../../api.js'
import { hrefOf } from '../data/hash-route.js'
import { Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { ruleText } from './rule-text.js'

interface Props {
  rows: readonly RecurringRow[]
  idPrefix: string
  /** The id of the schedule in the panel. */
  open: string | null
}

export function RecurringTable({ rows, idPrefix, open }: Props) {
  return (
    <Table label="Recurring messages">
      <thead>
        <tr>
          <th>Id</th>
          <th>When</th>
          <th>Next</th>
          <th class="wide">Name</th>
          <th class="wide">Destination</th>
          <th class="wide">Note</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.id} row={row} idPrefix={idPrefix} isOpen={row.id === open} />
        ))}
      </tbody>
    </Table>
  )
}

function Row({ row, idPrefix, isOpen }: { row: RecurringRow; idPrefix: string; isOpen: boolean }) {
  const { id, name, destination, paused, nextAt, note } = row
  return (
    <tr class={isOpen ? 'open' : undefined}>
      <td class="column-id">
        <a href={hrefOf('recurring', { idPrefix, schedule: id })} aria-current={isOpen ? 'true' : undefined}>
          <Text text={id} />
        </a>
      </td>
      <td>
        <Text text={ruleText(row)} />
      </td>
      <td>{paused ? <span class="chip">paused</span> : <Time at={nextAt} />}</td>
      <td class="wide">
        <Text text={name} />
      </td>
      <td class="wide">
        <Text text={destination} />
      </td>
      <td class="wide">{note !== null && <Text text={note} />}</td>
    </tr>
  )
}
