/** The header that the pages send with each change: no form and no image of another site can. */
export const WRITE_HEADER = 'x-dueque'

type HeadersOf = Pick<Headers, 'get'>

/**
 * Why a request may not change anything: another site may have sent it with the cookies of a viewer.
 *
 * @param host of the request
 * @returns undefined if it may
 */
export function writeRefusal(headers: HeadersOf, host: string): string | undefined {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') return 'content-type: expected application/json'
  if (headers.get(WRITE_HEADER) !== '1') return `${WRITE_HEADER}: expected this header with the value 1`
  const refusal = readRefusal(headers)
  if (refusal !== undefined) return refusal
  const origin = headers.get('origin')
  if (origin === null || isOfHost(origin, host)) return undefined
  return `a request from another origin, ${origin}: expected one at the host ${host}. Behind a proxy, keep the header Host`
}

/**
 * Why a request may not ask the API: an image of another site could keep the broker busy with looks at queues, though that site
 * sees no answer.
 *
 * @returns undefined if it may
 */
export function readRefusal(headers: HeadersOf): string | undefined {
  const site = headers.get('sec-fetch-site') ?? 'none'
  return site === 'same-origin' || site === 'none' ? undefined : `a request from another site (sec-fetch-site: ${site})`
}

/** A port that a scheme has by default may be written or not. */
function isOfHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: given } = new URL(origin)
  const own = `${protocol}//${host}`
  return given !== '' && URL.canParse(own) && new URL(own).host === given
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/

/**
 * Tells whether a request meant this server. A page of another site can have its own name lead to this address (DNS rebinding),
 * and would then be of the same origin; the header `Host` still has that name.
 *
 * @param named names to answer to beside those of this host. With the address of all interfaces, any address is taken
 */
export function hostGuard(named: readonly string[]): (host: string) => boolean {
  const names = new Set(named.map(withoutPort))
  const isOpen = names.has('0.0.0.0') || names.has('[::]')
  return (host) => {
    const name = withoutPort(host)
    return isLoopback(name) || names.has(name) || (isOpen && ADDRESS.test(name))
  }
}

/** Whether a name or an address is that of the own host, for itself alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(withoutPort(host))
}

/** `::1` of an option is `[::1]` in a header. */
function withoutPort(host: string): string {
  const lower = host.toLowerCase()
  if (!lower.startsWith('[') && lower.split(':').length > 2) return `[${lower}]`
  return lower.replace(/:\d*$/, '')
}
