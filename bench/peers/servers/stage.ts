import { say } from '../../../scripts/broker/say.js'
import { placeOf, type Contestant, type ServerName, type Site, type Urls } from '../contestant.js'
import { startPostgres } from './postgres.js'
import { startRabbitmq } from './rabbitmq.js'
import { startRedis } from './redis.js'
import type { Server } from './server.js'

const STARTS: Record<ServerName, () => Promise<Server | string>> = {
  rabbitmq: startRabbitmq,
  redis: startRedis,
  postgres: startPostgres,
}

/** Servers that were started, each when a contestant first needed it. Those of other contestants run idle beside them. */
export class Stage {
  readonly #running = new Map<ServerName, Promise<Server | string>>()

  /** Starts the server unless it runs. Resolves to the reason why it cannot run on this machine. */
  server(name: ServerName): Promise<Server | string> {
    let starting = this.#running.get(name)
    if (!starting) {
      say(`starting ${name} …`)
      starting = STARTS[name]()
      this.#running.set(name, starting)
    }
    return starting
  }

  /** Empty places in all servers of a contestant, or the reason why one of them cannot be had. */
  async open({ servers }: Contestant): Promise<OpenSite | string> {
    const opened: [ServerName, Server, Site[ServerName]][] = []
    for (const name of servers) {
      const server = await this.server(name)
      if (typeof server === 'string') return server
      opened.push([name, server, await server.open()])
    }
    const site = Object.fromEntries(opened.map(([name, , place]) => [name, place])) as Site
    return {
      site,
      urls: Object.fromEntries(servers.map((name) => [name, placeOf(site, name).url])),
      servers: Object.fromEntries(opened.map(([name, server]) => [name, server])),
      leave: async () => {
        for (const name of servers) await placeOf(site, name).leave()
      },
    }
  }

  async close(): Promise<void> {
    for (const starting of this.#running.values()) {
      const server = await starting
      if (typeof server !== 'string') await server.stop()
    }
    this.#running.clear()
  }
}

export interface OpenSite {
  readonly site: Site
  readonly urls: Urls
  readonly servers: Partial<Record<ServerName, Server>>
  leave(): Promise<void>
}
