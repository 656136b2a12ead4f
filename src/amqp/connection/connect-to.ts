import { connect, type ChannelModel } from 'amqplib'
import type { DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { closeInTime } from './close-in-time.js'
import type { Endpoint } from './endpoint.js'
import { connectFailure } from './failures.js'
import { unsupportedServer } from './server.js'
import { socketOf } from './socket.js'
import type { TlsOptions } from './tls.js'
import { uninstrument } from './uninstrumented.js'

export interface ConnectionSettings {
  endpoints: readonly Endpoint[]
  /** Shown by the management UI. */
  name: string
  heartbeatSeconds: number
  connectTimeoutMs: number
  tls: TlsOptions
  /** Whether its channels leave out what an instrumentation has wrapped around amqplib. @default false */
  uninstrumented?: boolean | undefined
  logger: Logger
}

/**
 * One attempt to connect to one endpoint. A server that dueque does not support is left again.
 *
 * @param signal ends the attempt
 * @param opened called as soon as there is a connection
 * @returns the connection, or why it failed: `UNREACHABLE`, `AUTHENTICATION_FAILED`, `VHOST_REFUSED`, `TLS_REFUSED`,
 * `UNSUPPORTED`
 */
export async function connectTo(
  endpoint: Endpoint,
  settings: ConnectionSettings,
  signal: AbortSignal,
  opened: (model: ChannelModel) => void,
): Promise<ChannelModel | DuequeError> {
  let model: ChannelModel
  try {
    model = await connect(address(endpoint, settings), socketOptions(settings, signal))
  } catch (cause) {
    return connectFailure(cause, endpoint)
  }
  opened(model)
  const refusal = unsupportedServer(model.connection.serverProperties)
  if (!refusal) {
    if (settings.uninstrumented) uninstrument(model)
    return model
  }
  model.on('error', () => undefined)
  if (!(await closeInTime(model.close()))) socketOf(model)?.destroy()
  return refusal
}

function address(endpoint: Endpoint, { heartbeatSeconds }: ConnectionSettings) {
  const { protocol, hostname, port, user: username, password, vhost } = endpoint
  // amqplib unescapes the vhost of an object too.
  return { protocol, hostname, port, username, password, vhost: encodeURIComponent(vhost), heartbeat: heartbeatSeconds }
}

function socketOptions({ name, connectTimeoutMs, tls }: ConnectionSettings, signal: AbortSignal) {
  return {
    ...(tls as object),
    noDelay: true,
    keepAlive: true,
    timeout: connectTimeoutMs,
    ...({ signal } as object),
    clientProperties: { connection_name: name, product: 'dueque' },
  }
}
