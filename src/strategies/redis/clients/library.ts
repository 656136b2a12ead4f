import type { RedisClient } from './client.js'

/** A client package, to open clients of its own: the command line does. */
export interface RedisLibrary {
  server(url: string): OwnClient
  /** The cluster that the node of the URL belongs to. */
  cluster(url: string): OwnClient
}

/** A client that is not connected yet. It reconnects by itself later. */
export interface OwnClient {
  readonly client: RedisClient
  connect(): Promise<unknown>
  onError(listener: (error: Error) => void): void
  /** Asks one server, or the node that the client chooses. */
  ask(...command: readonly string[]): Promise<unknown>
  close(): void
}

/** User, password and TLS of a URL, for the nodes of a cluster that the URL does not name. */
export function loginOf(url: string) {
  const { username, password, protocol } = new URL(url)
  const given = (text: string) => (text === '' ? undefined : decodeURIComponent(text))
  return { username: given(username), password: given(password), tls: protocol === 'rediss:' }
}
