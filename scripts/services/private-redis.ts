import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../broker/free-ports.js'
import { PrivateProcess } from '../broker/private-process.js'
import { serverFolder } from '../broker/server-folder.js'
import { greetRedis } from './redis-client.js'

export interface PrivateRedisOptions {
  /** Folder that holds redis-server. */
  programs: string
  /**
   * Keeps its data over `kill`, in an append-only file that is synced before each answer (`appendfsync always`: with
   * Redis' default, `everysec`, even a kill of the process loses what was answered while a sync was under way).
   * Otherwise nothing is kept. @default false
   */
  appendonly?: boolean
  /** More lines of redis.conf: `{ 'notify-keyspace-events': 'Ex' }`. */
  config?: Record<string, string>
  /** @default a free one. */
  port?: number
  /** Time to take clients, at each start. @default 60_000 */
  startTimeoutMs?: number
}

/** A private Redis that can be killed and restarted: see private-process.ts. */
export class PrivateRedis {
  /** Starts it; resolves when it takes clients. */
  static async start(options: PrivateRedisOptions): Promise<PrivateRedis> {
    const { programs, appendonly = false, config = {}, startTimeoutMs = 60_000 } = options
    const port = options.port ?? (await freePorts(1))[0]!
    const folder = await serverFolder('dueque-redis-')
    const file = join(folder, 'redis.conf')
    const settings = {
      bind: '127.0.0.1',
      port: String(port),
      dir: folder,
      save: '""',
      appendonly: appendonly ? 'yes' : 'no',
      appendfsync: 'always',
      ...config,
    }
    await writeFile(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name} ${value}\n`)
        .join(''),
    )
    const url = `redis://127.0.0.1:${port}`
    const server = await PrivateProcess.start({
      what: `Redis of ${programs}`,
      folder,
      program: { command: join(programs, 'redis-server'), args: [file] },
      greet: () => greetRedis(url),
      startTimeoutMs,
    })
    return new PrivateRedis(server, url)
  }

  readonly url: string
  readonly #server: PrivateProcess

  private constructor(server: PrivateProcess, url: string) {
    this.#server = server
    this.url = url
  }

  get version(): string {
    return this.#server.version
  }

  /** kill -9; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  /** Stops gracefully; resolves when it has ended. */
  shutdown(): Promise<void> {
    return this.#server.shutdown()
  }

  /** Starts it again after `kill` or `shutdown`, with the same URL. Resolves when it takes clients and has its data. */
  restart(): Promise<void> {
    return this.#server.restart()
  }

  /** Ends its processes and deletes its folder. May be called again. */
  stop(): Promise<void> {
    return this.#server.stop()
  }
}
