import { useEffect, useState } from 'preact/hooks'
import { queryText, type Query } from './request.js'

export const PAGES = ['overview', 'waiting', 'dead', 'parked', 'recurring', 'ladder'] as const
export type PageName = (typeof PAGES)[number]

export interface Route {
  page: PageName
  query: URLSearchParams
}

const listeners = new Set<() => void>()

/** The page that a hash names: `#/waiting?name=reminder`. The overview for any other. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const page = PAGES.find((name) => name === path) ?? 'overview'
  return { page, query: new URLSearchParams(query) }
}

export function hrefOf(page: PageName, query: Query = {}): string {
  const text = queryText(query)
  return `#/${page}${text && `?${text}`}`
}

/** @param replace without a step in the history of the browser, as while somebody types */
export function goTo(href: string, { replace = false } = {}): void {
  if (!replace) {
    location.hash = href
    return
  }
  // Tells nobody.
  history.replaceState(null, '', href)
  listeners.forEach((listener) => listener())
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const read = () => setRoute(parseRoute(location.hash))
    listeners.add(read)
    addEventListener('hashchange', read)
    read()
    return () => {
      listeners.delete(read)
      removeEventListener('hashchange', read)
    }
  }, [])
  return route
}
