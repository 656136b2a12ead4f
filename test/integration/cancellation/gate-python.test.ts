import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { useVhost } from '../../support/broker.js'
import { openGate } from '../../support/gate.js'
import { NO_PIKA, pythonWithPika } from '../../support/python.js'

const vhost = useVhost()

const python = pythonWithPika()
const why = python === undefined ? ` (${NO_PIKA})` : ''

describe.skipIf(python === undefined)(`a consumer in Python behind a gate${why}`, () => {
  test('gets due messages, and no cancelled ones', async () => {
    const from = unique('from')
    const to = `${from}.due`
    const gate = await openGate({ url: vhost.url, from, to, declare: true })
    const script = `
import json, os, pika, time
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
for method, properties, body in channel.consume("${to}", inactivity_timeout=4):
    if method is None:
        if seen_any: break
        continue
    seen_any = True
    channel.basic_ack(method.delivery_tag)
    print(json.dumps({"id": properties.message_id, "type": properties.type, "payload": json.loads(body),
        "due": properties.headers["dueque-due"], "at": time.time() * 1000}), flush=True)
connection.close()`
    const mq = await connect({ url: vhost.url })
    onTestFinished(() => mq.close())
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue: from }, in: 6000 + n * 10, id: `m${n}` })
    const receipts = await Promise.all([1, 2, 3, 4].map(schedule))
    for (const n of [0, 3]) expect(await mq.cancel(receipts[n]!)).toBe('cancelled')
    const { stdout } = await promisify(execFile)(python!, ['-c', `seen_any = False${script}`], {
      env: { ...process.env, AMQP_URL: vhost.url },
      timeout: 50_000,
    })
    const printed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; type: string; payload: unknown; due: number; at: number })
      .sort((a, b) => a.due - b.due)
    expect(printed.map(({ id, type, payload }) => ({ id, type, payload }))).toEqual([
      { id: 'm2', type: 'test.note', payload: { n: 2 } },
      { id: 'm3', type: 'test.note', payload: { n: 3 } },
    ])
    for (const { due, at } of printed) expect(at).toBeGreaterThanOrEqual(due)
    expect(gate.stats()).toMatchObject({ forwarded: 2, cancelled: 2 })
  })
})
