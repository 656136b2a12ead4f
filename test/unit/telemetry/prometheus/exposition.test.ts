import { expect, it } from 'vitest'
import { exposition } from '../../../../src/telemetry/prometheus/exposition.js'
import { parseExposition } from '../../../support/prometheus-text.js'

it('writes samples by metric, in the order of the table', () => {
  const text = exposition([
    { metric: 'messages_dead', labels: { queue: 'a' }, value: 1 },
    { metric: 'up', labels: { source: 'broker' }, value: 1 },
    { metric: 'messages_dead', labels: { queue: 'b' }, value: 1e21 },
    { metric: 'next_due_timestamp_seconds', value: 1_795_000_000.123 },
  ])
  const lines = text.split('\n').filter((line) => !line.startsWith('# HELP'))
  expect(lines).toEqual([
    '# TYPE dueque_up gauge',
    'dueque_up{source="broker"} 1',
    '# TYPE dueque_messages_dead gauge',
    'dueque_messages_dead{queue="a"} 1',
    'dueque_messages_dead{queue="b"} 1e+21',
    '# TYPE dueque_next_due_timestamp_seconds gauge',
    'dueque_next_due_timestamp_seconds 1795000000.123',
    '',
  ])
})

it('escapes the names of queues', () => {
  const queue = 'a "b" \\n c\n{d="e",f="g"}'
  const metrics = parseExposition(exposition([{ metric: 'messages_dead', labels: { queue }, value: 1 }]))
  expect(metrics.get('dueque_messages_dead')!.series).toEqual([
    { name: 'dueque_messages_dead', labels: { queue }, value: 1 },
  ])
})
