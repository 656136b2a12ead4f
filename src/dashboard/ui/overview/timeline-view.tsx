import type { Timeline } from '../../api.js'
import { goTo, hrefOf } from '../data/hash-route.js'
import { useRequest } from '../data/use-request.js'
import { Problem } from '../parts/problem.js'
import { countText } from '../text/numbers.js'
import { TimelineBars } from './timeline-bars.js'
import { binsOf, type Bin } from './bins.js'

const RANGES = ['hour', 'day', 'week'] as const
type Range = (typeof RANGES)[number]

/** Waiting messages by due time. A bar leads to its messages. */
export function TimelineView({ query }: { query: URLSearchParams }) {
  const range = RANGES.find((one) => one === query.get('range')) ?? 'hour'
  const { data, failure, reload } = useRequest<Timeline>('timeline', { range }, { everyMs: 5000 })
  const bins = data ? binsOf(data) : []
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  const show = ({ from, to }: Bin) => {
    goTo(hrefOf('waiting', { from: new Date(from).toISOString(), to: new Date(to).toISOString() }))
  }
  return (
    <section class="timeline" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">Due in the next {range}</h2>
        <span class="detail">{data && countText(total, 'message')}</span>
        <RangeLinks range={range} />
      </header>
      <Problem failure={failure} retry={reload} />
      <TimelineBars bins={bins} unit={data?.unit ?? 'minute'} onShow={show} />
      <p class="hint">
        {data && total === 0
          ? `No message is due in this ${range}. Choose a longer time, or schedule one.`
          : `Each bar is one ${data?.unit ?? 'minute'}${data?.unit === 'day' ? ' in UTC' : ''}: click it, or press Enter, to see its messages.`}
      </p>
    </section>
  )
}

function RangeLinks({ range }: { range: Range }) {
  return (
    <nav class="choices" aria-label="Time shown">
      {RANGES.map((one) => (
        <a key={one} href={hrefOf('overview', { range: one })} aria-current={one === range ? 'true' : undefined}>
          {one}
        </a>
      ))}
    </nav>
  )
}
