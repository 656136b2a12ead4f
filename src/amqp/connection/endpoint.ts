import { invalidOption } from '../../base/errors.js'

/** One broker address, taken apart. Only `password` is secret. */
export interface Endpoint {
  readonly protocol: 'amqp' | 'amqps'
  readonly hostname: string
  readonly port: number
  /** `hostname:port`, for people. */
  readonly host: string
  readonly user: string
  readonly password: string
  readonly vhost: string
}

/**
 * Takes URLs apart by the AMQP URI specification: https://www.rabbitmq.com/docs/uri-spec. Errors never show the URL,
 * because it may hold a password.
 *
 * @param option its name, for errors
 * @throws DuequeError `INVALID_OPTION`
 */
export function parseEndpoints(url: string | readonly string[], option = 'url'): Endpoint[] {
  const urls = typeof url === 'string' ? [url] : url
  if (!Array.isArray(urls) || urls.length === 0) throw invalidOption(option, 'a URL or a list of URLs', url)
  return urls.map((one) => parseEndpoint(one, option))
}

function parseEndpoint(url: unknown, option: string): Endpoint {
  const parts = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  const protocol = parts?.protocol.slice(0, -1)
  if (!parts || (protocol !== 'amqp' && protocol !== 'amqps') || parts.hostname === '') {
    const given = typeof url === 'string' ? `${protocol === undefined ? '' : `${protocol}:`}…` : url
    throw invalidOption(option, "a URL such as 'amqp://user:password@host:5672/vhost'", given)
  }
  // Either may be the rest of a password.
  if (parts.search !== '' || parts.hash !== '')
    throw invalidOption(
      option,
      'no ? and no #: in a password they are %3F and %23; heartbeat, tls and others are options',
      '?…',
    )
  // What stands before it may be the head of a password, taken for a host and a port.
  if (parts.pathname.includes('@'))
    throw invalidOption(option, 'no @ behind the host: a / in a password is %2F, an @ in a vhost %40', '…@…')
  const hostname = parts.hostname.replace(/^\[|\]$/g, '')
  const port = parts.port === '' ? (protocol === 'amqp' ? 5672 : 5671) : Number(parts.port)
  const anonymous = parts.username === '' && parts.password === ''
  return {
    protocol,
    hostname,
    port,
    host: `${parts.hostname}:${port}`,
    user: anonymous ? 'guest' : decode(parts.username, option),
    password: anonymous ? 'guest' : decode(parts.password, option),
    vhost: parts.pathname.length > 1 ? decode(parts.pathname.slice(1), option) : '/',
  }
}

function decode(part: string, option: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalidOption(option, 'percent signs in user, password and vhost written as %25', 'a malformed escape')
  }
}
