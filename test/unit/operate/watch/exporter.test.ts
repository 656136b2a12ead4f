import { expect, test } from 'vitest'
import { scrapeOf } from '../../../../src/operate/watch/exporter.js'
import { readMetrics } from '../../../../src/operate/watch/metrics-text.js'

const TEXT = String.raw`# HELP dueque_message_lateness_seconds From due to arrival.
# TYPE dueque_message_lateness_seconds histogram
dueque_message_lateness_seconds_bucket{queue="a",le="0.005"} 3
dueque_message_lateness_seconds_bucket{le="+Inf",queue="a"} 4 1700000000000
dueque_message_lateness_seconds_sum{queue="a"} 0.5
dueque_message_lateness_seconds_bucket{queue="b {\"},\\n\n",le="+Inf",pod="1"} 1
dueque_message_lateness_seconds_bucket{queue="b {\"},\\n\n",le="+Inf",pod="2"} 2e0

dueque_messages_scheduled_total{name="x",outcome="confirmed"} 7
dueque_messages_scheduled_total{name="y",outcome="confirmed"} 2
dueque_messages_scheduled_total{name="y",outcome="refused"} 100
process_start 1
no metric at all
broken{ 1
dueque_messages_scheduled_total{name="x",outcome="confirmed"} NaN
`

test('names, labels with escapes, and values are read; other lines are left out', () => {
  expect(readMetrics(TEXT, (name) => name === 'process_start')).toEqual([
    { name: 'process_start', labels: {}, value: 1 },
  ])
  const all = readMetrics(TEXT, () => true)
  expect(all[1]).toEqual({
    name: 'dueque_message_lateness_seconds_bucket',
    labels: { le: '+Inf', queue: 'a' },
    value: 4,
  })
  expect(all[3]!.labels).toEqual({ queue: 'b {"},\\n\n', le: '+Inf', pod: '1' })
  expect(all.map(({ name }) => name)).not.toContain('broken')
})

test('a scrape has a histogram for each queue, and the schedules that were confirmed', () => {
  const { lateness, scheduled } = scrapeOf(TEXT)!
  expect(scheduled).toBe(9)
  expect([...lateness]).toEqual([
    ['a', new Map([[0.005, 3], [Infinity, 4]])], // prettier-ignore
    ['b {"},\\n\n', new Map([[Infinity, 3]])],
  ])
  expect(scrapeOf('process_start 1\n')).toBeUndefined()
})
