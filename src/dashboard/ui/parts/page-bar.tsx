import { countText, numberText } from '../text/numbers.js'

interface Props {
  /** Of all pages. Undefined while it is being counted. */
  total: number | undefined
  /** Of this page. */
  rows: number
  page: number
  limit: number
  hasMore: boolean
  onLimit: (limit: number) => void
  onBack: () => void
  onNext: () => void
}

const LIMITS = [50, 100, 250, 1000]

export function PageBar({ total, rows, page, limit, hasMore, onLimit, onBack, onNext }: Props) {
  return (
    <div class="page-bar">
      <span>
        {numberText(rows)} of {total === undefined ? '…' : countText(total, 'message')}
        {page > 1 && `, page ${page}`}
      </span>
      <label>
        Rows{' '}
        <select value={String(limit)} onChange={(event) => onLimit(Number(event.currentTarget.value))}>
          {LIMITS.map((one) => (
            <option key={one} value={String(one)}>
              {numberText(one)}
            </option>
          ))}
        </select>
      </label>
      <button type="button" disabled={page === 1} onClick={onBack}>
        Previous
      </button>
      <button type="button" disabled={!hasMore} onClick={onNext}>
        Next
      </button>
    </div>
  )
}
