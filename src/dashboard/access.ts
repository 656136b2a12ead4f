import type { IncomingMessage } from 'node:http'
import { invalidOption } from '../base/errors.js'
import type { Permission } from './api.js'

/**
 * What somebody may see and do. `read`: everything but payloads, and no change. `all`: payloads and each change too. `none`:
 * nothing. An object: as `read`, and what is true in it.
 */
export type Access = 'all' | 'read' | 'none' | { readonly [P in Permission]?: boolean | undefined }

/**
 * Called with each request. `incoming` is the request of node:http that the property `node` was called with, on which a framework
 * has left its user or session.
 */
export type AccessOf = (request: Request, incoming: IncomingMessage | undefined) => Access | Promise<Access>

const ALL: readonly Permission[] = ['payloads', 'cancel', 'reschedule', 'redrive', 'purge', 'recurring']

/**
 * Undefined for nobody.
 *
 * @throws DuequeError `INVALID_OPTION`, for whatever is no access: nothing is shown then
 */
export function permissionsOf(access: unknown): ReadonlySet<Permission> | undefined {
  if (access === 'none') return undefined
  if (access === 'all') return new Set(ALL)
  if (access === 'read') return new Set()
  const isObject = typeof access === 'object' && access !== null && !Array.isArray(access)
  const given = Object.entries(isObject ? access : { access })
  const isOne = ([name, value]: [string, unknown]) =>
    ALL.includes(name as Permission) && (value === undefined || typeof value === 'boolean')
  if (!given.every(isOne))
    throw invalidOption('access', `'all', 'read', 'none', or an object of ${ALL.join(', ')}`, access)
  return new Set(ALL.filter((name) => (access as Record<string, unknown>)[name] === true))
}
