import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openTelemetry, type OpenTelemetryOptions } from '../../../../src/telemetry/otel/index.js'
import { ATTRIBUTE, METRIC } from '../../../../src/telemetry/otel/names.js'
import { order, settled, to, world } from '../world.js'

it.each<[string, unknown]>([
  ['trace', 'parents'],
  ['tracerProvider', {}],
  ['meterProvider', 5],
  ['tracer', 'x'],
])('%s may not be %o', (option, value) => {
  const options = { [option]: value } as OpenTelemetryOptions
  expect(() => openTelemetry(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }))
})

it('does nothing without an SDK', async () => {
  const { mq, deliveries, log } = await world(openTelemetry())
  await mq.schedule(order, 1, { to, in: 0 })
  await settled()
  expect(deliveries.map(({ headers }) => headers)).toEqual([{}])
  expect(log.error).not.toHaveBeenCalled()
})

it.each<[OpenTelemetryOptions['trace'], boolean]>([
  ['link', true],
  ['parent', true],
  ['none', false],
])('takes the place of an instrumentation of amqplib with trace %s: %s', (trace, traces) => {
  expect(openTelemetry({ trace }).tracesMessages).toBe(traces)
})

describe('the guide', () => {
  it('has every name', async () => {
    const page = await readFile(new URL('../../../../docs/reference/telemetry.md', import.meta.url), 'utf8')
    const missing = [...Object.values(ATTRIBUTE), ...Object.values(METRIC)].filter(
      (name) => !page.includes(`\`${name}\``),
    )
    expect(missing).toEqual([])
  })
})
