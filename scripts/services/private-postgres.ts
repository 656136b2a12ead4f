import { join } from 'node:path'
import { freePorts } from '../broker/free-ports.js'
import { PrivateProcess } from '../broker/private-process.js'
import { serverFolder } from '../broker/server-folder.js'
import { greetPostgres } from './postgres-client.js'
import { give, unprivileged } from './unprivileged.js'

export interface PrivatePostgresOptions {
  /** Folder that holds initdb and postgres. */
  programs: string
  /** Syncs commits to disk. Without it a kill of the process loses nothing, but a power failure does. @default true */
  fsync?: boolean
  /** More settings of postgresql.conf: `{ max_connections: '20' }`. */
  config?: Record<string, string>
  /** Time to take clients, at each start. @default 60_000 */
  startTimeoutMs?: number
}

/**
 * A private PostgreSQL that can be killed and restarted: see private-process.ts. It listens on the loopback
 * interface and asks for no password. Root runs it as `postgres` or `nobody`.
 */
export class PrivatePostgres {
  /** Starts it, with the database `postgres`; resolves when it takes clients. */
  static async start(options: PrivatePostgresOptions): Promise<PrivatePostgres> {
    const { programs, fsync = true, config = {}, startTimeoutMs = 60_000 } = options
    const [port] = await freePorts(1)
    const user = await unprivileged()
    const folder = await serverFolder('dueque-postgres-')
    await give(folder, user)
    const data = join(folder, 'data')
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      fsync: fsync ? 'on' : 'off',
      dynamic_shared_memory_type: 'mmap', // otherwise a killed server leaves it in /dev/shm
      ...config,
    }
    const common = { cwd: folder, env: environment(folder), user }
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    const server = await PrivateProcess.start(
      {
        what: `PostgreSQL of ${programs}`,
        folder,
        program: {
          command: join(programs, 'postgres'),
          args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
          ...common,
        },
        greet: () => greetPostgres(url),
        startTimeoutMs,
      },
      {
        command: join(programs, 'initdb'),
        args: ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
        ...common,
      },
    )
    return new PrivatePostgres(server, url)
  }

  /** Of the database `postgres`, as its superuser. */
  readonly url: string
  readonly #server: PrivateProcess

  private constructor(server: PrivateProcess, url: string) {
    this.#server = server
    this.url = url
  }

  get version(): string {
    return this.#server.version
  }

  /** kill -9 of all its processes; resolves when they are gone. Its data stay. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  /** Stops gracefully and ends the sessions of its clients ("fast"); resolves when it has ended. Its data stay. */
  shutdown(): Promise<void> {
    return this.#server.shutdown('SIGINT')
  }

  /** Starts it again after `kill` or `shutdown`: same data, same URL. Resolves when it takes clients. */
  restart(): Promise<void> {
    return this.#server.restart()
  }

  /** Ends its processes and deletes its folder. May be called again. */
  stop(): Promise<void> {
    return this.#server.stop()
  }
}

/** Without variables that lead the programs to another server or folder. */
function environment(folder: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'))
  return { ...Object.fromEntries(kept), HOME: folder, LC_ALL: 'C' }
}
