import { expect, onTestFinished, test } from 'vitest'
import { on } from '../../src/index.js'
import { applyTopology } from '../../src/operate/topology/apply.js'
import { diagnose } from '../../src/operate/doctor/diagnose.js'
import { brokerUrl, startNode } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { isBefore } from '../support/version.js'
import { note, Recorder, unique } from '../strategies/recorder.js'

const needed = process.env['DUEQUE_RABBITMQ_BIN'] ? '' : ' (skipped: DUEQUE_RABBITMQ_BIN is not set)'

test.skipIf(needed !== '')(
  `a broker without streams cannot cancel, and does everything else${needed}`,
  { timeout: 240_000 },
  async (context) => {
    const { connection } = await rawChannel(brokerUrl())
    const { version } = connection.serverProperties as { version: string }
    if (!isBefore(version, [3, 12])) context.skip('from 3.12 on, RabbitMQ cannot do without streams')
    const node = await startNode({
      featureFlags: ['quorum_queue', 'implicit_default_bindings', 'virtual_host_metadata'],
    })
    onTestFinished(() => node!.stop())
    const { url } = node!
    const here = { url, logger: false } as const
    const unsupported = { code: 'UNSUPPORTED', data: { feature: 'stream_queue' } }

    const mq = await open(url)
    let lost = 0
    mq.on('disconnected', () => lost++)
    expect(await failure(mq.cancel('any'))).toMatchObject({ ...unsupported, outcome: 'refused' })
    const queue = unique('work')
    const off = expect.stringContaining("cancellations: 'off'") as string
    const consumed = mq.consume(queue, [on(note, () => undefined)])
    expect(await failure(consumed)).toMatchObject({ ...unsupported, message: off })
    const recorder = await Recorder.on(mq, queue, { cancellations: 'off' })
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 10 })
    await recorder.has(1)
    // Each connection was lost once, and neither is again.
    expect(await failure(mq.cancel('another'))).toMatchObject({ ...unsupported, outcome: 'refused' })
    expect(await failure(Recorder.on(mq, unique('again')))).toMatchObject(unsupported)
    expect([lost, mq.health().ok]).toEqual([2, true])

    const options = { ...here, namespace: 'applied', queueType: 'classic' } as const
    const message = expect.stringContaining('dueque topology apply --no-cancellations') as string
    expect(await failure(applyTopology(options))).toMatchObject({ ...unsupported, message })
    expect(await applyTopology({ ...options, cancellationStreams: false })).not.toEqual([])
    const { findings } = await diagnose({ ...here, roundTrip: false, management: node!.managementUrl })
    expect(findings).toContainEqual(expect.objectContaining({ severity: 'error', code: 'flag-needed' }))
  },
)
