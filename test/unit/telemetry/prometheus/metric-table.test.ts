import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { BROKER_METRICS, PREFIX, PROCESS_METRICS } from '../../../../src/telemetry/prometheus/metric-table.js'

const all = Object.entries({ ...PROCESS_METRICS, ...BROKER_METRICS })

it('is the table of docs/reference/telemetry.md', async () => {
  const page = await readFile(new URL('../../../../docs/reference/telemetry.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith(`| \`${PREFIX}`) && line.split('|').length === 6)
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  const expected = all.map(([name, { type, labels, help }]) => [
    `\`${PREFIX}${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  expect(cells).toEqual(expected)
})

it('keeps the names of Prometheus: counters end with _total, and no name is a part of two processes', () => {
  for (const [name, { type }] of all) expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
  expect(all).toHaveLength(Object.keys(PROCESS_METRICS).length + Object.keys(BROKER_METRICS).length)
})
