import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../broker/free-ports.js'
import { PrivateProcess } from '../broker/private-process.js'
import { serverFolder } from '../broker/server-folder.js'
import { greetPostgres } from './postgres-client.js'
import { give, unprivileged } from './unprivileged.js'

export interface PrivatePgbouncerOptions {
  /** Folder that holds pgbouncer. */
  programs: string
  /** The database to be reached through it; others of that server are reached by their names. */
  postgres: { readonly url: string }
  /** When a connection to the server goes back to the pool. @default 'transaction' */
  poolMode?: 'session' | 'transaction' | 'statement'
  /** More settings of the section [pgbouncer]: `{ default_pool_size: '2' }`. */
  config?: Record<string, string>
}

/** A private PgBouncer that can be killed and restarted: see private-process.ts. It asks for no password. */
export class PrivatePgbouncer {
  /** Starts it; resolves when it takes clients and reaches the database. */
  static async start(options: PrivatePgbouncerOptions): Promise<PrivatePgbouncer> {
    const { programs, postgres, poolMode = 'transaction', config = {} } = options
    const [port] = await freePorts(1)
    const user = await unprivileged()
    const folder = await serverFolder('dueque-pgbouncer-')
    await give(folder, user)
    const file = join(folder, 'pgbouncer.ini')
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: String(port),
      unix_socket_dir: '',
      auth_type: 'any',
      pool_mode: poolMode,
      ...config,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    await writeFile(file, ['[databases]', `* = ${target(postgres.url)}`, '[pgbouncer]', ...lines, ''].join('\n'))
    await give(file, user)
    const url = `postgres://postgres@127.0.0.1:${port}${new URL(postgres.url).pathname}`
    const server = await PrivateProcess.start({
      what: `PgBouncer of ${programs}`,
      folder,
      program: { command: join(programs, 'pgbouncer'), args: [file], cwd: folder, user },
      greet: () => greetPostgres(url),
      startTimeoutMs: 30_000,
    })
    return new PrivatePgbouncer(server, url)
  }

  /** Of the same database as the given one. */
  readonly url: string
  readonly #server: PrivateProcess

  private constructor(server: PrivateProcess, url: string) {
    this.#server = server
    this.url = url
  }

  /** kill -9; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  /** Starts it again after `kill`, with the same URL. */
  restart(): Promise<void> {
    return this.#server.restart()
  }

  /** Ends it and deletes its folder. May be called again. */
  stop(): Promise<void> {
    return this.#server.stop()
  }
}

function target(url: string): string {
  const { hostname, port, username, password } = new URL(url)
  const parts = [`host=${hostname}`, `port=${port || 5432}`, `user=${decodeURIComponent(username || 'postgres')}`]
  return [...parts, ...(password ? [`password=${decodeURIComponent(password)}`] : [])].join(' ')
}
