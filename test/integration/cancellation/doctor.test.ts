import { describe, expect, test } from 'vitest'
import { on } from '../../../src/index.js'
import { parseEndpoints } from '../../../src/amqp/connection/endpoint.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { managementFacts } from '../../../src/operate/doctor/management-facts.js'
import { managementAt } from '../../../src/operate/management/api.js'
import { diagnose } from '../../../src/operate/doctor/diagnose.js'
import { note, unique } from '../../strategies/recorder.js'
import { management, managementUrl, poll, useVhost } from '../../support/broker.js'
import { openGate, receive } from '../../support/gate.js'
import { open, rawChannel } from '../../support/mq.js'

const vhost = useVhost()
const handlers = [on(note, () => undefined)]

async function findings(namespace: string) {
  const here = { url: vhost.url, logger: false, management: managementUrl(), roundTrip: false } as const
  const { findings } = await diagnose({ ...here, namespace })
  return findings.filter(({ code }) => !code.startsWith('version'))
}

async function consumersOf(name: string): Promise<number> {
  const consumers = await management<{ queue: { name: string } }[]>(`/consumers/${vhost.name}`)
  return consumers.filter(({ queue }) => queue.name === name).length
}

async function codes(namespace: string, area: string) {
  return (await findings(namespace))
    .filter((one) => one.area === area)
    .map(({ severity, code }) => `${severity} ${code}`)
}

describe.skipIf(managementUrl() === undefined)('doctor (skipped without the management API)', () => {
  test('finds streams that are as they should be, and notes a namespace without them', async () => {
    const namespace = unique('ns')
    const mq = await open(vhost.url, { namespace })
    expect(await codes(namespace, 'cancellations')).toEqual(['note streams-new'])
    await mq.cancel('any')
    expect(await codes(namespace, 'cancellations')).toEqual(['ok cancellations', 'ok tails'])
    await (await rawChannel(vhost.url)).deleteQueue(`${namespace}.v1.cancellations.3d`)
    expect(await codes(namespace, 'cancellations')).toEqual([
      'error queue-missing',
      'error binding-missing',
      'ok tails',
    ])
  })

  test('names the connection that consumes a work queue and reads no cancellations', async () => {
    const [namespace, queue] = [unique('ns'), unique('work')]
    const consumers = { heedful: {}, heedless: { cancellations: 'off' } } as const
    for (const [name, options] of Object.entries(consumers)) {
      const mq = await open(vhost.url, { namespace, name })
      await mq.consume(queue, handlers, options)
    }
    const told = async () => (await findings(namespace)).filter(({ code }) => code === 'consumer-without-tail')
    await poll(async () => (await told()).length > 0, { what: 'the finding', timeoutMs: 30_000 })
    const [found, ...more] = await told()
    expect(more).toEqual([])
    expect(found).toMatchObject({ severity: 'warning', area: 'cancellations' })
    const what = new RegExp(
      `^queue ${queue} is consumed without reading cancellations, by heedless consumer \\([^)]+\\):`,
    )
    expect(found!.what).toMatch(what)
  })

  test('knows the nodes that have a replica of each stream', async () => {
    const namespace = unique('ns')
    await (await open(vhost.url, { namespace })).cancel('any')
    const api = managementAt(managementUrl()!, parseEndpoints(vhost.url)[0]!)
    const facts = () => managementFacts(api, vhost.name, new Names(namespace))
    await poll(async () => (await facts()).replicas?.size === 6, { what: 'the statistics', timeoutMs: 30_000 })
    const { replicas, nodes, missing } = await facts()
    expect(missing).toEqual([])
    const here = nodes!.map(({ name }) => name)
    expect([...replicas!.values()]).toEqual(Array(6).fill({ members: here, online: here }))
  })

  test('does not name a consumer behind a gate', async () => {
    const [namespace, from] = [unique('ns'), unique('gated')]
    const to = `${from}.due`
    await openGate({ url: vhost.url, namespace, from, to, declare: true })
    await receive(await rawChannel(vhost.url), to)
    await poll(async () => (await consumersOf(to)) === 1, { what: 'the consumer in the API', timeoutMs: 30_000 })
    expect(await codes(namespace, 'cancellations')).toEqual(['ok cancellations', 'ok tails'])
  })

  test('finds a policy that trims the streams', async () => {
    const namespace = unique('ns')
    await (await open(vhost.url, { namespace })).cancel('any')
    const path = `/policies/${vhost.name}/${unique('trim')}`
    const definition = { 'max-age': '1h', 'max-length-bytes': 1_000_000 }
    const pattern = `^${namespace}.*cancellations`
    await management(path, { method: 'PUT', body: { pattern, definition, 'apply-to': 'queues' } })
    expect((await codes(namespace, 'policies')).toSorted()).toEqual([
      'error policy-max-age',
      'error policy-max-length-bytes',
      'warning policy-max-age',
    ])
    await management(path, { method: 'DELETE' })
    expect(await codes(namespace, 'policies')).toEqual(['ok policies'])
  })
})
