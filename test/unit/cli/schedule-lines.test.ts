import fc from 'fast-check'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { EXIT } from '../../../src/cli/exit.js'
import { scheduleLines } from '../../../src/cli/schedule-lines.js'
import type { Stop } from '../../../src/cli/stop.js'
import type { Terminal } from '../../../src/cli/terminal.js'
import { connect, memory } from '../../../src/index.js'

interface Record {
  line?: number
  id?: string
  error?: { code: string; message: string }
}

const CODES =
  /^(INVALID_(LINE|OPTION|DUE|PAYLOAD)|DELAY_OUT_OF_RANGE|RESERVED_NAME|NAME_TOO_LONG|(BODY|HEADERS)_TOO_LARGE)$/

/** What `dueque schedule` prints for an input, by default with `--json`, and its exit code. Nothing waits for longer than this. */
async function scheduled(
  input: Uint8Array,
  raw: boolean,
  json = true,
): Promise<{ code: number; records: Record[]; shown: (number | string)[]; notes: unknown[] }> {
  const records: Record[] = []
  const notes: unknown[] = []
  const mq = await connect({ strategy: memory() })
  const print = (value: unknown) => {
    records.push(value as Record)
    return Promise.resolve(true)
  }
  const shown: (number | string)[] = []
  const progress = (phase: string, unit: string) => {
    shown.push(`${phase} (${unit})`)
    return {
      update: (count: number) => shown.push(count),
      phase: (next: string) => shown.push(next),
      end: () => undefined,
    }
  }
  const note = (...args: unknown[]) => notes.push(args)
  const terminal = { json, printJson: print, print, note, progress } as unknown as Terminal
  const stop = { signal: new AbortController().signal, reason: undefined } as unknown as Stop
  const fields = { queue: 'q', in: '1d' }
  try {
    return {
      code: await scheduleLines(
        (items) => mq.scheduleAll(items),
        Readable.from([input]),
        { fields, raw, declare: true },
        stop,
        terminal,
      ),
      records,
      shown,
      notes,
    }
  } finally {
    await mq.close()
  }
}

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '1s',
    '-1s',
    '99999999d',
    '2030-01-01T00:00:00Z',
    '0000-00-00T00:00:00Z',
    'dq~1h',
    'x'.repeat(300),
  ),
  fc.string({ unit: fc.constantFrom('1', 'h', 'm', 's', 'P', 'T', '-', '.', 'e'), maxLength: 12 }),
)
const values = fc.oneof(texts, fc.double(), fc.maxSafeInteger(), fc.jsonValue(), fc.constant(null))
const line = fc.record(
  {
    data: fc.jsonValue(),
    in: values,
    at: values,
    queue: values,
    exchange: values,
    key: values,
    id: values,
    name: values,
    schemaVersion: values,
    headers: fc.oneof(values, fc.dictionary(texts, values, { maxKeys: 3 })),
    priority: values,
    correlationId: values,
    expiresIn: values,
    other: values,
  },
  { requiredKeys: [] },
)
const DEEP = 20_000
const lines = fc.oneof(
  { weight: 6, arbitrary: line.map((one) => JSON.stringify(one)) },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '['.repeat(DEEP),
      `{"data":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
      `{"data":1,"headers":${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}}`,
      '{"data":1,"headers":{"__proto__":1}}',
      '{"__proto__":{"data":1}}',
      '{"data":1e999}',
      '{"data":"\\ud800"}',
    ),
  },
)

it('reports the outcome of every line of any input, and exits with 0 or 1', async () => {
  const inputs = fc.oneof(
    fc.array(lines, { maxLength: 6 }).map((all) => Buffer.from(all.join('\n'))),
    fc.uint8Array({ maxLength: 200 }),
  )
  await fc.assert(
    fc.asyncProperty(inputs, fc.boolean(), async (input, raw) => {
      const { code, records } = await scheduled(input, raw)
      const failed = records.filter(({ error }) => error)
      expect(code).toBe(failed.length > 0 ? EXIT.partial : EXIT.ok)
      for (const { error } of failed) {
        expect(error?.code).toMatch(CODES)
        expect(error?.message).not.toMatch(/\n\s+at /)
      }
      const numbers = records.map(({ line }) => line!)
      expect(new Set(numbers).size).toBe(numbers.length)
      // A line of white space may be skipped.
      const full = Buffer.from(input)
        .toString('latin1')
        .split('\n')
        .filter((one) => /[^\s\x85\xa0]/.test(one))
      expect(numbers.length).toBeGreaterThanOrEqual(full.filter((one) => /[!-~]/.test(one)).length)
    }),
    { numRuns: 300 },
  )
})

it('names the phase of the work, and counts confirmed messages only', async () => {
  const { shown } = await scheduled(Buffer.from('{"data":1}\nno JSON\n{"data":2}\n'), false)
  expect(shown.filter((one) => typeof one === 'string')).toEqual(['scheduling (confirmed)', 'waiting for confirms'])
  const counts = shown.filter((one) => typeof one === 'number')
  expect([counts.length, counts.at(-1)]).toEqual([3, 2])
})

it('a line that fails is an error, and so red', async () => {
  const { records, notes } = await scheduled(Buffer.from('no JSON\n{"data":2}\n'), false, false)
  expect(records).toEqual(['1 scheduled, 1 failed'])
  expect(notes).toEqual([[expect.stringMatching(/^line 1: /) as string, 'red']])
})
