import type { ChannelModel } from 'amqplib'
import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'
import { DuequeError } from '../../base/errors.js'
import { ask, type ManagementApi } from './api.js'
import { object, or, text } from './shape.js'

/** The name of the cluster that a connection leads to. Undefined if the broker does not say. */
export function clusterOf({ connection }: ChannelModel): string | undefined {
  const { cluster_name: name } = connection.serverProperties as { cluster_name?: unknown }
  return typeof name === 'string' ? name : undefined
}

const overview = object({ cluster_name: or(text, undefined) })

/**
 * Several brokers may run on one host, and only one of them has the API at its default port.
 *
 * @param cluster that the connection leads to; undefined if it is not known, and then any will do
 * @throws DuequeError `MANAGEMENT_FAILED` if the API is that of another broker
 */
export async function assertSameBroker(api: ManagementApi, cluster: string | undefined): Promise<void> {
  if (cluster === undefined) return
  const { cluster_name: found = cluster } = await ask(api, '/api/overview?columns=cluster_name', overview)
  if (found === cluster) return
  const { host } = api.url
  const message = `management API at ${host}: expected that of the broker, ${cluster}, got that of ${found} (--management URL names another)`
  throw new DuequeError('MANAGEMENT_FAILED', message, { host })
}

/** The same for several APIs, by a connection that is made for it. @throws DuequeError also as `connect` does */
export async function assertOwnBroker(apis: readonly ManagementApi[], settings: ConnectionSettings): Promise<void> {
  const cluster = await withConnection(settings, async (connection) => clusterOf(await connection.ready()))
  for (const api of apis) await assertSameBroker(api, cluster)
}
