import { errorText } from '../base/errors.js'

/** Where a document is, and as whom to ask for it. */
export interface HttpSource {
  url: URL
  user?: string
  password?: string
  timeoutMs: number
  /** Gives up what is asked. */
  signal?: AbortSignal
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** The source of a URL that may hold user and password, which `fetch` refuses in it. */
export function httpSource(text: string, timeoutMs: number): HttpSource {
  const url = new URL(text)
  const given = url.username !== '' && { user: decode(url.username), password: decode(url.password) }
  url.username = url.password = ''
  return { url, ...given, timeoutMs }
}

/**
 * The answer of a source, which has to have status 200 to 299.
 *
 * @param named texts for other statuses
 * @throws Error that {@link httpReason} reads
 */
export async function get(
  { user, password = '', timeoutMs, url, signal }: HttpSource,
  path = '',
  named: Readonly<Record<number, string>> = {},
): Promise<Response> {
  const authorization = user !== undefined && `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const inTime = AbortSignal.timeout(timeoutMs)
  const response = await fetch(path === '' ? url : url.href.replace(/\/+$/, '') + path, {
    headers: authorization ? { authorization } : {},
    signal: signal ? AbortSignal.any([signal, inTime]) : inTime,
  })
  if (response.ok) return response
  await response.body?.cancel()
  throw new Error(named[response.status] ?? `status ${response.status}`)
}

/** Why a request failed. `fetch` hides the reason in its cause; for several addresses that is an AggregateError without a text. */
export function httpReason(error: unknown): string {
  const { cause } = error as { cause?: { message?: string; code?: string } }
  return cause?.message || cause?.code || errorText(error)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
