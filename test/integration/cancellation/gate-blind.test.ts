import { describe, expect, test } from 'vitest'
import { unique } from '../../strategies/recorder.js'
import { management, managementUrl, poll, useVhost } from '../../support/broker.js'
import { openGate } from '../../support/gate.js'
import { rawChannel } from '../../support/mq.js'
import { depth, holds } from '../../support/parked.js'
import { userWith } from '../../support/users.js'

const vhost = useVhost()
const noManagement = managementUrl() === undefined
const whyNot = noManagement ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''
const ALL = { configure: '.*', write: '.*', read: '.*' }

/** A gate of a user of its own, and what takes away and returns the right to declare cancellation streams. */
async function world(onTailDown: 'handle' | 'wait') {
  const namespace = unique('blind')
  const from = unique('from')
  const to = `${from}.due`
  const channel = await rawChannel(vhost.url)
  const url = await userWith(vhost, ALL)
  const errors: string[] = []
  const onError = ({ code }: { code: string }) => void errors.push(code)
  const gate = await openGate({ url, namespace, from, to, declare: true, onTailDown, onError })
  const allow = (configure: string) =>
    management(`/permissions/${vhost.name}/${new URL(url).username}`, { method: 'PUT', body: { ...ALL, configure } })
  const lose = async () => {
    await allow('^(?!.*cancellations).*$')
    await channel.deleteQueue(`${namespace}.v1.cancellations.1h`)
  }
  const becomes = (state: string) =>
    poll(() => gate.health().cancellations?.state === state, { what: `a tail that is ${state}`, timeoutMs: 45_000 })
  const publish = () => channel.sendToQueue(from, Buffer.from('{}'), { persistent: true, messageId: 'a' })
  const has = (held: number) => poll(() => gate.stats().held === held, { what: `${held} held`, timeoutMs: 30_000 })
  return { from, to, channel, gate, errors, lose, mend: () => allow('.*'), becomes, publish, has }
}

describe.skipIf(noManagement)(`a gate that cannot read cancellations${whyNot}`, () => {
  test('forwards nothing for 30 s, then all the same or, if it shall wait, nothing until it can; closed it gives all back', async () => {
    const [waiting, handling, closing] = await Promise.all([world('wait'), world('handle'), world('wait')])
    for (const { lose, becomes, publish, has } of [waiting, handling, closing]) {
      await lose()
      await becomes('reading')
      publish()
      await has(1)
    }
    for (const { gate } of [waiting, handling]) expect(gate.health().ok).toBe(true)
    const startedAt = performance.now()
    await closing.gate.close()
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    await holds(closing.channel, closing.from, 1)
    for (const { becomes } of [waiting, handling]) await becomes('down')
    await holds(handling.channel, handling.to, 1)
    expect(handling.gate.health()).toMatchObject({ ok: true, cancellations: { state: 'down' } })
    const { gate, errors, to, channel, mend, has } = waiting
    expect(gate.health()).toMatchObject({ ok: false, producer: 'up', consumer: 'up' })
    expect(errors).toContain('CANCELLATIONS_UNREAD')
    await has(1)
    expect([gate.stats(), await depth(channel, to)]).toMatchObject([{ forwarded: 0 }, 0])
    await mend()
    await holds(channel, to, 1)
    expect(gate.health().ok).toBe(true)
    expect(gate.stats()).toMatchObject({ forwarded: 1, held: 0 })
  }, 120_000)
})
