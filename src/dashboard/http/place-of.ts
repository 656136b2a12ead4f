/** What a path means. The path of the mount is not known: the end of a path tells. */
export type Place =
  | { readonly kind: 'api'; readonly route: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'page' }
  /** The page without its slash: relative URLs in it would lead to its parent. */
  | { readonly kind: 'slash'; readonly location: string }

const API = /^.*\/api\/([a-z-]+(?:\/[a-z-]+)?)$/
const FILE = /^.*\/ui\/([\w./-]+\.\w+)$/

/** @param path of a parsed URL */
export function placeOf(path: string): Place {
  const route = API.exec(path)?.[1]
  if (route !== undefined) return { kind: 'api', route }
  const name = FILE.exec(path)?.[1]
  if (name !== undefined) return { kind: 'file', name }
  if (path.endsWith('/')) return { kind: 'page' }
  return slashOf(path)
}

/** With `./`, a name is never taken for a host or a scheme. */
export function slashOf(path: string): Place {
  return { kind: 'slash', location: `./${path.slice(path.lastIndexOf('/') + 1)}/` }
}
