import { Redis } from 'ioredis'
import type { PrivateRedisCluster } from '../../scripts/services/private-redis-cluster.js'
import type { PrivateRedis } from '../../scripts/services/private-redis.js'
import { poll } from './broker.js'

/** Moves the slot of a key, with its content, to a node that joins the cluster for it. */
export async function moveSlot(cluster: PrivateRedisCluster, to: PrivateRedis, key: string): Promise<void> {
  const nodes = [...cluster.nodes, to]
  const clients = nodes.map(({ url }) => new Redis(url))
  const target = clients[nodes.indexOf(to)]!
  const isWhole = async (one: Redis) => (await one.cluster('INFO')).includes('cluster_state:ok')
  const whole = () =>
    poll(async () => (await Promise.all(clients.map(isWhole))).every(Boolean), {
      what: 'the cluster to be whole',
      timeoutMs: 30_000,
    })
  try {
    const [host, port] = [new URL(nodes[0]!.url).hostname, Number(new URL(nodes[0]!.url).port)]
    await target.cluster('MEET', host, port)
    const ids = await Promise.all(clients.map((one) => one.call('CLUSTER', 'MYID')))
    const knows = async (one: Redis) => {
      const known = String(await one.call('CLUSTER', 'NODES'))
      return ids.every((id) => known.includes(String(id))) && !known.includes('handshake')
    }
    await poll(async () => (await Promise.all(clients.map(knows))).every(Boolean), {
      what: 'to meet',
      timeoutMs: 30_000,
    })
    // A node that has just joined needs a while before it accepts keys.
    await whole()
    const slot = await clients[0]!.cluster('KEYSLOT', key)
    const owners = await clients[0]!.cluster('SLOTS')
    const ownerId = owners.find(([first, last]) => first <= slot && slot <= last)![2]![2]
    const source = clients[ids.map(String).indexOf(ownerId)]!
    const targetId = String(ids[nodes.indexOf(to)])
    await target.cluster('SETSLOT', slot, 'IMPORTING', ownerId)
    await source.cluster('SETSLOT', slot, 'MIGRATING', targetId)
    const keys = (await source.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, 1000)) as Buffer[]
    const address = new URL(to.url)
    if (keys.length > 0) await source.call('MIGRATE', address.hostname, address.port, '', 0, 5000, 'KEYS', ...keys)
    for (const one of [target, source, ...clients]) await one.cluster('SETSLOT', slot, 'NODE', targetId)
    await whole()
  } finally {
    for (const one of clients) one.disconnect()
  }
}
