import { connect } from 'amqplib'

/**
 * Connects to a broker like a client, and to its management API (as guest), if given. Resolves to the version of the
 * broker; rejects as long as they do not serve clients.
 */
export async function greet(url: string, managementUrl?: string): Promise<string> {
  // AMQP first: until the ports of a container are served, its proxy closes connections at once, and then fetch of Node 20
  // hangs until it is aborted.
  const connection = await connect(url, { timeout: 5_000 })
  const { version } = connection.connection.serverProperties
  await connection.close()
  if (managementUrl !== undefined) await greetManagement(managementUrl)
  return version
}

async function greetManagement(url: string): Promise<void> {
  const response = await fetch(`${url}/api/overview`, {
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    signal: AbortSignal.timeout(5_000),
  })
  await response.text()
  if (!response.ok) throw new Error(`the management API answers ${response.status}`)
}
