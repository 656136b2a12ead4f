import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ReadableStream as WebStream } from 'node:stream/web'
import { errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'

/** A request of node:http, as frameworks hand it on. */
export type NodeRequest = IncomingMessage & {
  /** Of Express: the URL with the path of the mount. */
  readonly originalUrl?: unknown
  /** What a parser of the framework has read. */
  readonly body?: unknown
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next?: unknown) => void

const METHODS = ['GET', 'HEAD', 'POST']
/** A viewer that does not read for so long is left. */
const DRAIN_MS = 30_000

type Answer = (request: Request, incoming: IncomingMessage) => Promise<Response>

/** The same handler for node:http, and for the frameworks over it. */
export function nodeHandler(answer: Answer, logger: Logger): NodeHandler {
  return (incoming, response) => {
    if (!METHODS.includes(incoming.method ?? 'GET')) {
      response.writeHead(405, { allow: METHODS.join(', ') }).end()
      return
    }
    const work = async () => send(await answer(requestOf(incoming), incoming), response)
    work().catch((error: unknown) => {
      logger.error('an answer of the dashboard failed', { error: errorText(error) })
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('an unexpected error\n')
    })
  }
}

function requestOf(incoming: NodeRequest): Request {
  const { originalUrl, url = '/', method = 'GET' } = incoming
  const target = typeof originalUrl === 'string' ? originalUrl : url
  // The host is in the headers, where it is only compared. A target such as //host/path would name another.
  const path = target.startsWith('/') ? target : '/'
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(`http://localhost${path}`, {
    method,
    headers: headersOf(incoming),
    ...(hasBody && { body: bodyOf(incoming), duplex: 'half' }),
  })
}

function headersOf({ headers }: IncomingMessage): Headers {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    // HTTP/2 has the host in one of its own.
    const known = name === ':authority' ? 'host' : name
    if (!known.startsWith(':') && value !== undefined) all.set(known, [value].flat().join(', '))
  }
  return all
}

/** A parser of the framework may have read it. */
function bodyOf(incoming: NodeRequest): string | ReadableStream {
  const { body } = incoming
  // It reads nothing by itself: what nobody has read when the answer is sent is left to node:http, which throws it away.
  if (!incoming.readableEnded || body === undefined) return WebStream.from(incoming) as ReadableStream
  return typeof body === 'string' ? body : JSON.stringify(body)
}

async function send({ status, headers, body }: Response, response: ServerResponse): Promise<void> {
  response.writeHead(status, Object.fromEntries(headers))
  if (!body) return void response.end()
  // The reader left before the answer: no event tells of it any more.
  if (response.destroyed) return body.cancel()
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
    void reader.cancel().catch(() => undefined)
  })
  response.flushHeaders()
  for (;;) {
    const { done, value } = await reader.read()
    if (done || gone.signal.aborted) break
    if (!response.write(value)) await drained(response, gone.signal)
  }
  response.end()
}

async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(DRAIN_MS)
  await once(response, 'drain', { signal: AbortSignal.any([gone, late]) }).catch(() => {
    if (!gone.aborted) response.destroy()
  })
}
