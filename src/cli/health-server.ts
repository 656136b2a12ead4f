import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { usage } from './exit.js'

export interface HealthServer {
  readonly port: number
  close(): void
}

/** Answers every request with how things stand: 200 if all is well, 503 if not. */
export async function healthServer(
  { port, host }: { port: number; host: string },
  health: () => { ok: boolean },
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = health()
    response.writeHead(answer.ok ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(answer)}\n`)
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw usage(`--health-port: ${(error as Error).message}`, error)
  }
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
