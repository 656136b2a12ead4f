import type { About, Search } from '../../api.js'
import { goTo, hrefOf, parseRoute } from '../data/hash-route.js'
import { Empty } from '../parts/empty.js'
import { MessagePanel } from './message-panel.js'
import { searchOf } from './search-fields.js'
import { SearchForm } from './search-form.js'
import { WaitingList } from './waiting-list.js'

export function WaitingPage({ about, query }: { about: About; query: URLSearchParams }) {
  if (!about.waiting.list) return <NoList hint={about.waiting.hint} />
  const search = searchOf(query)
  const [id, revision] = [query.get('message'), Number(query.get('revision'))]
  return (
    <div class="with-panel">
      <div class="list-side">
        <h1>Waiting messages</h1>
        {about.waiting.hint && <p class="note">{about.waiting.hint}</p>}
        <SearchForm search={search} onSearch={searchFor} />
        <WaitingList search={search} open={id} permissions={about.permissions} />
      </div>
      {id !== null && (
        <MessagePanel
          key={`${revision} ${id}`}
          id={id}
          revision={revision}
          permissions={about.permissions}
          onClose={() => goTo(hrefOf('waiting', { ...search }))}
        />
      )}
    </div>
  )
}

/** The message in the panel stays. It may have been opened after the last letter was typed. */
function searchFor(search: Search): void {
  const { query } = parseRoute(location.hash)
  const open = { message: query.get('message'), revision: query.get('revision') }
  goTo(hrefOf('waiting', { ...search, ...open }), { replace: true })
}

function NoList({ hint }: { hint: string | undefined }) {
  return (
    <>
      <h1>Waiting messages</h1>
      <Empty title="RabbitMQ does not tell what a queue holds, so there is no list of waiting messages.">
        <p>{hint ?? 'With a journal, or with messages in a store, there is one.'}</p>
        <p>
          The <a href="#/overview">overview</a> and the <a href="#/ladder">ladder</a> count them.
        </p>
      </Empty>
    </>
  )
}
