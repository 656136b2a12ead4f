import type { About } from '../api.js'
import { useContext, useEffect } from 'preact/hooks'
import { LiveContext } from './data/live-context.js'
import { hrefOf, type PageName } from './data/hash-route.js'
import { Text } from './parts/text.js'
import { numberText } from './text/numbers.js'

const TITLES: Readonly<Record<PageName, string>> = {
  overview: 'Overview',
  waiting: 'Waiting',
  dead: 'Dead',
  parked: 'Parked',
  recurring: 'Recurring',
  ladder: 'Ladder',
}

/** The pages that there are with this strategy. */
export function pagesOf({ broker, recurring, ladder }: About): PageName[] {
  return [
    'overview',
    'waiting',
    ...(broker ? (['dead', 'parked'] as const) : []),
    ...(recurring ? (['recurring'] as const) : []),
    ...(ladder ? (['ladder'] as const) : []),
  ]
}

export function NavBar({ about, page }: { about: About | undefined; page: PageName }) {
  const { overview } = useContext(LiveContext)
  useEffect(() => {
    document.title = `${TITLES[page]} · dueque`
  }, [page])
  const counts: Partial<Record<PageName, number | null | undefined>> = {
    waiting: overview?.waiting,
    dead: overview?.dead?.messages,
    parked: overview?.parked?.messages,
  }
  return (
    <header class="nav-bar">
      <p class="brand">
        <Logo /> dueque
      </p>
      <nav aria-label="Pages">
        {about &&
          pagesOf(about).map((name) => (
            <a key={name} href={hrefOf(name)} aria-current={name === page ? 'page' : undefined}>
              {TITLES[name]} <Count of={counts[name]} isBad={name !== 'waiting'} />
            </a>
          ))}
      </nav>
      {about && (
        <p class="server-details">
          <Text text={about.namespace} /> · {about.strategy} · {about.version}
          {about.permissions.every((one) => one === 'payloads') && ' · read-only'}
        </p>
      )}
    </header>
  )
}

/** The same as the icon of the page. */
function Logo() {
  return (
    <svg class="logo" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="7" />
      <path d="M8 4v4l3 2" />
    </svg>
  )
}

/** None for dead and parked messages where there are none. */
function Count({ of, isBad }: { of: number | null | undefined; isBad: boolean }) {
  if (of === null || of === undefined || (isBad && of === 0)) return null
  return <span class={isBad ? 'count bad' : 'count'}>{numberText(of)}</span>
}
