import type { Endpoint } from '../../amqp/connection/endpoint.js'
import { DuequeError, invalidOption, isDuequeError } from '../../base/errors.js'
import { get, httpReason, httpSource, isHttpUrl, type HttpSource } from '../http.js'
import { ShapeError, type Read } from './shape.js'

/** Where a management API is, and as whom to ask it. */
export interface ManagementApi extends HttpSource {
  user: string
  password: string
}

/** The option `management` of everything that an operator does. */
export interface ManagementOption {
  /**
   * The URL of the management API, with user and password unless they are those of the broker's URL; `false` to ask none.
   * Work that asks several nodes takes several.
   * @default port 15672 (15671 for amqps) beside the broker, given up after 2 s
   */
  management?: string | readonly string[] | false | undefined
}

/**
 * The management API of a URL that may hold user and password; those of the broker's URL otherwise.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function managementAt(text: string, { user, password }: Endpoint): ManagementApi {
  // The URL itself is not shown: it may hold a password.
  if (!isHttpUrl(text)) throw invalidOption('management', 'a URL such as http://localhost:15672', '…')
  return { user, password, ...httpSource(text, 10_000) }
}

/** The management API beside the broker, at its default port. The time-out is short, because many brokers have none. */
export function managementBeside({ protocol, host, user, password }: Endpoint): ManagementApi {
  const url = new URL(`${protocol === 'amqps' ? 'https' : 'http'}://${host}`)
  url.port = protocol === 'amqps' ? '15671' : '15672'
  return { url, user, password, timeoutMs: 2000 }
}

/**
 * The APIs that were named, or those beside the broker's nodes: one at least.
 *
 * @throws DuequeError `INVALID_OPTION` for `false`
 */
export function managementApis(
  { management }: ManagementOption,
  endpoints: readonly Endpoint[],
): [ManagementApi, ...ManagementApi[]] {
  if (management === false) throw invalidOption('management', 'a URL, because AMQP does not show this', management)
  const named = management === undefined ? [] : [management].flat().map((one) => managementAt(one, endpoints[0]!))
  return (named.length > 0 ? named : endpoints.map(managementBeside)) as [ManagementApi, ...ManagementApi[]]
}

/**
 * What a management API answers: the one that was named, which has to answer, or the first one beside the broker's nodes
 * that does.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` of the one that was named
 */
export async function askManagement<T>(
  { management }: ManagementOption,
  endpoints: readonly Endpoint[],
  work: (api: ManagementApi, endpoint: Endpoint) => Promise<T>,
): Promise<{ answer: T } | { reason: string }> {
  if (management === false) return { reason: NOT_ASKED }
  if (management !== undefined) {
    const [api] = managementApis({ management }, endpoints)
    return { answer: await work(api, endpoints[0]!) }
  }
  const reasons: string[] = []
  for (const endpoint of endpoints) {
    try {
      return { answer: await work(managementBeside(endpoint), endpoint) }
    } catch (error) {
      if (!isDuequeError(error, 'MANAGEMENT_FAILED')) throw error
      reasons.push(error.message)
    }
  }
  return { reason: reasons.join('; ') }
}

/** Why nothing is known, if the option `management` is false. */
export const NOT_ASKED = 'the option management is off'

/**
 * One document of the API.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`
 */
export async function ask<T>(api: ManagementApi, path: string, read: Read<T>): Promise<T> {
  try {
    const response = await get(api, path, STATUS)
    return read(await response.json())
  } catch (cause) {
    const { host } = api.url
    throw new DuequeError('MANAGEMENT_FAILED', `management API at ${host}: ${reasonOf(cause)}`, { host }, { cause })
  }
}

const STATUS: Record<number, string> = {
  401: 'it refused the user (wrong password, or no tag such as monitoring), or the vhost is closed to it',
  404: 'the vhost, or the queue or exchange in it, is missing',
}

function reasonOf(error: unknown): string {
  const isForeign = error instanceof ShapeError || error instanceof SyntaxError
  return isForeign ? 'what answers there is not RabbitMQ' : httpReason(error)
}
