// Starts shared servers when the first test asks for them, once for all tests: vitest runs this before the tests, in
// the process that outlives theirs. They ask over HTTP: see services.ts.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { say } from '../../scripts/broker/say.js'
import { findPostgres } from '../../scripts/services/find-postgres.js'
import { findRedis } from '../../scripts/services/find-redis.js'
import type { Service } from '../../scripts/services/service.js'

const FIND = { redis: findRedis, postgres: findPostgres }
export type ServiceName = keyof typeof FIND

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a server that answers the name of a service with its URL, or with 503 and the reason why it is missing. */
    services: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const asked = new Map<string, Promise<Service>>()
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1) as ServiceName
    if (!asked.has(name)) asked.set(name, find(name))
    asked.get(name)!.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(503).end((error as Error).message),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  project.provide('services', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    const found = await Promise.allSettled(asked.values())
    await Promise.all(found.flatMap((one) => (one.status === 'fulfilled' ? [one.value.stop()] : [])))
  }
}

async function find(name: ServiceName): Promise<Service> {
  const service = await FIND[name]()
  say(`${name}: ${service.how}`)
  return service
}
