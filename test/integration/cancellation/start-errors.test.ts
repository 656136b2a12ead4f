import { expect, test } from 'vitest'
import type { ConnectOptions, DuequeError } from '../../../src/index.js'
import { Recorder, note, unique } from '../../strategies/recorder.js'
import { managementUrl, useVhost } from '../../support/broker.js'
import { cancellationWriter } from '../../support/cancellations.js'
import { failure, open, rawChannel } from '../../support/mq.js'
import { userWith } from '../../support/users.js'

const vhost = useVhost()

/** The error of `consume`. Without cancellations it has to succeed. */
async function consuming(url: string, options: ConnectOptions = {}, declare = true): Promise<DuequeError> {
  const mq = await open(url, options)
  const queue = unique('refused')
  if (!declare) await (await rawChannel(vhost.url)).assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
  const consume = (cancellations: 'on' | 'off') => Recorder.on(mq, queue, { declare, cancellations })
  const error = await failure(consume('on'))
  expect(await failure(consume('on'))).toMatchObject({ code: (error as DuequeError).code })
  await consume('off')
  expect(mq.health()).toMatchObject({ ok: true, consumer: 'up' })
  expect(mq.health()).not.toHaveProperty('cancellations')
  return error as DuequeError
}

test("without the streams, a consumer with topology: 'trust' names one, and the command that declares them", async () => {
  const namespace = unique('ns')
  // Declares all but the streams.
  await open(vhost.url, { namespace })
  const error = await consuming(vhost.url, { topology: 'trust', namespace }, false)
  expect(error).toMatchObject({ code: 'TOPOLOGY_MISSING' })
  expect(error.message).toContain(`${namespace}.v1.cancellations.`)
  expect(error.message).toMatch(/`dueque topology apply`.*cancellations: 'off'/)
})

test('a stream with other arguments is named', async () => {
  const namespace = unique('ns')
  const name = `${namespace}.v1.cancellations.3d`
  await (await rawChannel(vhost.url)).assertQueue(name, { arguments: { 'x-queue-type': 'stream' } })
  const error = await consuming(vhost.url, { namespace })
  expect(error).toMatchObject({ code: 'TOPOLOGY_MISMATCH', data: { resource: `queue ${name}` } })
  expect(error.message).toContain("cancellations: 'off'")
})

const streams = String.raw`\.v1\.cancellations\..*`
test.skipIf(managementUrl() === undefined).for([
  ['read', { configure: '.*', write: '.*', read: `^(?!.*${streams})` }],
  ['configure', { configure: `^(?!.*${streams})`, write: '.*', read: '.*' }],
] as const)(
  'a user who may not %s the streams gets an error that names the right (users are made by the management API)',
  async ([right, rights]) => {
    const namespace = unique('ns')
    const error = await consuming(await userWith(vhost, rights), { namespace })
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', data: { permission: right } })
    expect(error.message).toContain(`${namespace}.v1.cancellations.`)
    expect(error.message).toMatch(/the right to read them.*cancellations: 'off'/)
  },
)

test('a consumer that failed to start can start once the reason is gone', async () => {
  const namespace = unique('ns')
  const mq = await open(vhost.url, { namespace })
  const { channel, stream } = await cancellationWriter(vhost.url, namespace)
  await channel.assertQueue(stream('1h'), { arguments: { 'x-queue-type': 'stream' } })
  expect(await failure(Recorder.on(mq, unique('first')))).toMatchObject({ code: 'TOPOLOGY_MISMATCH' })
  await channel.deleteQueue(stream('1h'))
  const queue = unique('second')
  const recorder = await Recorder.on(mq, queue)
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
  await recorder.has(1)
  expect(mq.health()).toMatchObject({ ok: true, cancellations: { state: 'live' } })
})
