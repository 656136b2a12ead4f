import type { PrivateNode } from '../../scripts/broker/private-node.js'

/** Calls the management API of a private node. */
export async function nodeApi(node: PrivateNode, method: string, path: string, body?: unknown): Promise<void> {
  const response = await fetch(`${node.managementUrl}/api${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(60_000),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

/** Makes a virtual host, and returns its URL. */
export async function makeVhost(node: PrivateNode, name: string): Promise<string> {
  await nodeApi(node, 'PUT', `/vhosts/${name}`)
  await nodeApi(node, 'PUT', `/permissions/${name}/guest`, { configure: '.*', write: '.*', read: '.*' })
  return `${node.url}/${name}`
}

export function dropVhost(node: PrivateNode, name: string): Promise<void> {
  return nodeApi(node, 'DELETE', `/vhosts/${name}`)
}
