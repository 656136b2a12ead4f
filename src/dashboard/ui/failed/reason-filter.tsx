import type { FailedList } from '../../api.js'
import { SearchField } from '../parts/search-field.js'
import { Text } from '../parts/text.js'
import { numberText } from '../text/numbers.js'
import type { FailedQuery } from './failed-query.js'

interface Props {
  query: FailedQuery
  reasons: FailedList['reasons']
  onChoose: (query: FailedQuery) => void
}

/** Each search takes all messages out of the queue. */
const PAUSE_MS = 500

/** Narrows the failed messages: by reason and name. */
export function ReasonFilter({ query, reasons, onChoose }: Props) {
  const { reason, name, ...rest } = query
  const withReason = (next: string | undefined) =>
    onChoose({ ...rest, ...(name && { name }), ...(next && { reason: next }) })
  const withName = (next: string) => onChoose({ ...rest, ...(reason && { reason }), ...(next && { name: next }) })
  return (
    <div class="reason-filter">
      <div role="group" aria-label="Reason">
        <button type="button" class="chip" aria-pressed={!reason} onClick={() => withReason(undefined)}>
          Every reason
        </button>
        {reasons.map((one) => (
          <button
            key={one.reason}
            type="button"
            class="chip"
            aria-pressed={one.reason === reason}
            onClick={() => withReason(one.reason)}
          >
            <Text text={one.reason} /> {numberText(one.count)}
          </button>
        ))}
      </div>
      <SearchField label="Name" value={name ?? ''} pauseMs={PAUSE_MS} onChange={withName} />
    </div>
  )
}
