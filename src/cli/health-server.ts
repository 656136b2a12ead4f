import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorText } from '../base/errors.js'
import { usage } from './exit.js'

export interface HealthServer {
  readonly port: number
  close(): void
}

export interface HealthServerSettings {
  port: number
  host: string
  /** That the port comes from. */
  option: string
}

type Health = { readonly ok: boolean }

/** What a path answers. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

type Pages = Readonly<Record<string, () => Page | Promise<Page>>>

/**
 * Answers `/` and `/health` with how things stand: 200 if all is well, 503 if not. Other paths are those of `more`, and 404 for
 * the rest.
 *
 * @throws CommandError if it cannot listen
 */
export async function healthServer(
  { port, host, option }: HealthServerSettings,
  health: () => Health | Promise<Health>,
  more: Pages = {},
): Promise<HealthServer> {
  const healthPage = async () => pageOf(await health())
  const pages: Pages = { '/': healthPage, '/health': healthPage, ...more }
  const server = createServer((request, response) => void answer(request, response, pages))
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    throw usage(`${option}: ${(error as Error).message}`, error)
  }
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Never rejects. */
async function answer(request: IncomingMessage, response: ServerResponse, pages: Pages): Promise<void> {
  const { status, type, text } = await pageFor(request, pages)
  const headers = { 'content-type': type, 'cache-control': 'no-store', ...(status === 405 && { allow: 'GET, HEAD' }) }
  response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : text)
}

async function pageFor({ method, url = '' }: IncomingMessage, pages: Pages): Promise<Page> {
  const path = url.split('?', 1)[0]!
  if (!Object.hasOwn(pages, path)) return plainPage(404, `not found. There is: ${Object.keys(pages).join(', ')}`)
  if (method !== 'GET' && method !== 'HEAD') return plainPage(405, 'only GET and HEAD')
  try {
    return await pages[path]!()
  } catch (error) {
    return plainPage(500, errorText(error))
  }
}

function pageOf(health: Health): Page {
  return { status: health.ok ? 200 : 503, type: 'application/json', text: `${JSON.stringify(health)}\n` }
}

function plainPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}
