import type { About } from '../api.js'
import { LiveContext } from './data/live-context.js'
import { useRoute, type Route } from './data/hash-route.js'
import { useLive } from './data/use-live.js'
import { useRequest } from './data/use-request.js'
import { FailedPage } from './failed/failed-page.js'
import { LadderPage } from './ladder/ladder-page.js'
import { NavBar } from './nav-bar.js'
import { OverviewPage } from './overview/overview-page.js'
import { Announcer } from './parts/announcer.js'
import { ConnectionBar } from './parts/connection-bar.js'
import { Empty } from './parts/empty.js'
import { JobList } from './parts/job-list.js'
import { Problem } from './parts/problem.js'
import { RecurringPage } from './recurring/recurring-page.js'
import { WaitingPage } from './waiting/waiting-page.js'

export function App() {
  const live = useLive()
  return (
    <LiveContext.Provider value={live}>
      <Announcer />
      <Frame />
    </LiveContext.Provider>
  )
}

function Frame() {
  const route = useRoute()
  const { data: about, failure, reload } = useRequest<About>('about')
  const skip = (event: Event) => {
    event.preventDefault() // the hash is the route
    document.getElementById('main')?.focus()
  }
  return (
    <>
      <a class="skip-link" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <NavBar about={about} page={route.page} />
      <ConnectionBar />
      <main id="main" tabIndex={-1}>
        {about ? <Page about={about} route={route} /> : <Problem failure={failure} retry={reload} />}
      </main>
      <JobList permissions={about?.permissions ?? []} />
    </>
  )
}

function Page({ about, route: { page, query } }: { about: About; route: Route }) {
  switch (page) {
    case 'overview':
      return <OverviewPage about={about} query={query} />
    case 'waiting':
      return <WaitingPage about={about} query={query} />
    case 'dead':
    case 'parked':
      return about.broker ? <FailedPage key={page} about={about} kind={page} query={query} /> : <Absent about={about} />
    case 'recurring':
      return about.recurring ? <RecurringPage about={about} query={query} /> : <Absent about={about} />
    case 'ladder':
      return about.ladder ? <LadderPage /> : <Absent about={about} />
  }
}

/** A page whose address somebody kept. */
function Absent({ about }: { about: About }) {
  return (
    <Empty title={`The strategy ${about.strategy} has nothing to show here.`}>
      <a href="#/overview">Go to the overview</a>
    </Empty>
  )
}
