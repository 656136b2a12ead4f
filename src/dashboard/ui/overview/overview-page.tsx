import { useContext } from 'preact/hooks'
import type { About } from '../../api.js'
import { LiveContext } from '../data/live-context.js'
import { useRequest } from '../data/use-request.js'
import type { Overview } from '../../api.js'
import { Empty } from '../parts/empty.js'
import { Problem } from '../parts/problem.js'
import { RequestFailed } from '../data/request.js'
import { FindingList } from './finding-list.js'
import { Tiles } from './tiles.js'
import { TimelineView } from './timeline-view.js'

export function OverviewPage({ about, query }: { about: About; query: URLSearchParams }) {
  const live = useContext(LiveContext).overview
  // Until the first event is there.
  const first = useRequest<Overview>(live ? undefined : 'overview')
  const overview = live ?? first.data
  const failure = overview?.failure ? new RequestFailed(overview.failure, 0) : first.failure
  return (
    <>
      <h1>Overview</h1>
      <Problem failure={failure} />
      <Tiles about={about} overview={overview} />
      {about.waiting.list ? (
        <TimelineView query={query} />
      ) : (
        <Empty title="No timeline: RabbitMQ does not tell what a queue holds.">
          <p>{about.waiting.hint ?? 'With a journal, or with messages in a store, there is one.'}</p>
        </Empty>
      )}
      {about.broker && <FindingList />}
    </>
  )
}
