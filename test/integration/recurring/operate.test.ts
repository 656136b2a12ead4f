import { describe, expect, test } from 'vitest'
import { Layout } from '../../../src/amqp/topology/layout.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { recurringLayout } from '../../../src/log/log-layout.js'
import { diagnose } from '../../../src/operate/doctor/diagnose.js'
import { statusReport } from '../../../src/operate/status.js'
import { removeTopology } from '../../../src/operate/topology/remove.js'
import { verifyTopology } from '../../../src/operate/topology/verify.js'
import { checkRecurring } from '../../../src/recurring/check-recurring.js'
import { encodeDefinition } from '../../../src/recurring/definition.js'
import { tickParts, tickQueue } from '../../../src/recurring/recurring-layout.js'
import { note, unique } from '../../strategies/recorder.js'
import { applyAs, applyLog } from '../../strategies/trust-world.js'
import { managementUrl, poll, useVhost } from '../../support/broker.js'
import { open, rawChannel } from '../../support/mq.js'
import { userWith } from '../../support/users.js'

const vhost = useVhost()

async function definitionOf(id: string) {
  const options = { message: note, payload: { n: 1 }, to: { queue: 'work' }, every: '1h' } as const
  return encodeDefinition({ ...(await checkRecurring(id, options, Date.now())), revision: 1 })
}

function world() {
  const namespace = unique('ns')
  const layout = new Layout(new Names(namespace), 'classic')
  const log = recurringLayout(layout.names)
  const names = [log.exchange, log.exchange, tickQueue(layout.names)]
  const options = {
    url: vhost.url,
    logger: false,
    namespace,
    queueType: 'classic',
    management: managementUrl(),
  } as const
  const apply = async () => {
    await applyAs(vhost.url, [...layout.base(), ...tickParts(layout)])
    await applyLog(vhost.url, log)
  }
  const connected = () => open(vhost.url, { namespace, queueType: 'classic' })
  return { namespace, layout, names, options, apply, connected }
}

describe.skipIf(managementUrl() === undefined)('recurring messages, to an operator (needs the management API)', () => {
  test('verify compares their parts with those that dueque declares, if it is asked for', async () => {
    const { names, options, apply } = world()
    const gaps = async (recurring: boolean) => {
      const { gaps } = await verifyTopology({ ...options, recurring })
      return gaps.filter(({ name }) => names.includes(name)).map(({ kind, change }) => `${change} ${kind}`)
    }
    expect(await gaps(false)).toEqual([])
    expect(await gaps(true)).toEqual(['missing exchange', 'missing queue', 'missing queue'])
    await apply()
    expect(await gaps(true)).toEqual([])
  })

  test('delete refuses while something is defined, and takes ticks with it', async () => {
    const { namespace, names, options, apply, connected } = world()
    await apply()
    const mq = await connected()
    const { definitions } = mq.strategy
    await definitions.write({ id: 'a', revision: 1, definition: '{}' })
    await definitions.write({ id: 'b', revision: 1, definition: '{}' })
    await definitions.write({ id: 'b', revision: 2, definition: undefined })
    const channel = await rawChannel(vhost.url)
    channel.sendToQueue(`${namespace}.v1.ticks`, Buffer.from('{}'), { persistent: true })
    const held = { name: names[0], messages: 1, what: 'recurring', moreQueues: 0 }
    expect(await removeTopology(options)).toEqual({ changes: [], refused: held })
    await definitions.write({ id: 'a', revision: 2, definition: undefined })
    await mq.close()
    const { changes, refused, stopped } = await removeTopology(options)
    expect([refused, stopped]).toEqual([undefined, undefined])
    expect(changes.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
  })

  test('status and doctor say how many are defined, and whether somebody sends them', async () => {
    const { options, apply, connected, names } = world()
    const codes = async () => {
      const { findings } = await diagnose({ ...options, roundTrip: false })
      return findings.filter(({ area }) => area === 'recurring').map(({ severity, code }) => `${severity} ${code}`)
    }
    const mq = await connected()
    expect((await statusReport(options)).recurring).toBeNull()
    expect(await codes()).toEqual([])
    await apply()
    for (const id of ['a', 'b']) await mq.strategy.definitions.write(await definitionOf(id))
    const state = { definitions: 2, unreadable: 0, tickers: 0 }
    expect((await statusReport(options)).recurring).toEqual(state)
    expect((await statusReport({ ...options, management: false })).recurring).toEqual(state)
    expect(await codes()).toEqual(['ok recurring', 'ok definitions', 'error ticker-missing'])
    const channel = await rawChannel(vhost.url)
    await channel.consume(names[2]!, () => undefined)
    channel.publish(names[0]!, '', Buffer.from('no record'))
    await poll(async () => (await statusReport(options)).recurring?.unreadable === 1, {
      timeoutMs: 10_000,
      what: 'the unreadable record',
    })
    expect((await statusReport(options)).recurring).toEqual({ definitions: 2, unreadable: 1, tickers: 1 })
    expect(await codes()).toEqual(['ok recurring', 'warning definitions-unreadable', 'ok ticker'])
  })

  test('a user who may not look at the queue of ticks gets the rest of a status', async () => {
    const { options, apply } = world()
    await apply()
    const url = await userWith({ url: vhost.url, name: vhost.name }, { configure: '^$', write: '^$', read: '^$' })
    const api = new URL(managementUrl()!)
    ;[api.username, api.password] = [new URL(vhost.url).username, new URL(vhost.url).password]
    const { source, recurring } = await statusReport({ ...options, url, management: api.href })
    expect([source, recurring]).toMatchObject([
      'management',
      { definitions: null, unreadable: 0, unread: expect.any(String) as string },
    ])
  })
})
