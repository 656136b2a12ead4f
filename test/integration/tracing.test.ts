import { expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { startChild } from '../support/child.js'
import { unique } from '../strategies/recorder.js'

const vhost = useVhost()

test("spans of OpenTelemetry's amqplib instrumentation end with the acks, and the span of a retry with its own ack", async () => {
  const { lines } = startChild(new URL('tracing-child.ts', import.meta.url), vhost.url, unique('traced'), '20')
  await poll(() => Promise.resolve(lines.length > 0), { what: 'the spans of the child', timeoutMs: 40_000 })
  expect(JSON.parse(lines[0]!)).toEqual(Array.from({ length: 21 }, () => 'ok'))
})
