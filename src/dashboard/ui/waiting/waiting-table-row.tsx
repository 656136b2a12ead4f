import type { Search, WaitingRow } from '../../api.js'
import { hrefOf } from '../data/hash-route.js'
import { serverNow } from '../data/server-clock.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { shortText } from '../text/instants.js'
import { visibleText } from '../text/visible-text.js'

interface Props {
  row: WaitingRow
  search: Search
  canSelect: boolean
  isOpen: boolean
  isSelected: boolean
  onSelect: (rows: readonly WaitingRow[], on: boolean) => void
}

export function WaitingTableRow({ row, search, canSelect, isOpen, isSelected, onSelect }: Props) {
  const { id, revision, name, destination, readyAt, attempt } = row
  return (
    <tr class={isOpen ? 'open' : undefined}>
      {canSelect && (
        <td class="box">
          <input
            type="checkbox"
            aria-label={`Select ${visibleText(id)}`}
            checked={isSelected}
            onChange={() => onSelect([row], !isSelected)}
          />
        </td>
      )}
      <td class="column-readyAt">
        <Time at={readyAt} /> <span class="at">{shortText(Date.parse(readyAt), serverNow())}</span>
      </td>
      <td class="column-id">
        <a href={hrefOf('waiting', { ...search, message: id, revision })} aria-current={isOpen ? 'true' : undefined}>
          <Text text={id} />
        </a>
        <span class="narrow">
          <Text text={name} /> → <Text text={destination} />
        </span>
      </td>
      <td class="column-name">
        <Text text={name} />
      </td>
      <td class="column-destination">
        <Text text={destination} />
      </td>
      <td class="column-attempt number">{attempt}</td>
    </tr>
  )
}
