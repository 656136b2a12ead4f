import { expect, it, vi } from 'vitest'
import { DuequeError } from '../../../src/base/errors.js'
import { HORIZONS, type Horizon } from '../../../src/log/horizons.js'
import { RecordBatches, type BatchLimits } from '../../../src/log/record-batches.js'
import { failure } from '../../support/mq.js'

const [HOUR, EIGHT_HOURS] = HORIZONS as [Horizon, Horizon]
const TIMEOUT_MS = 30_000

interface Sent {
  lines: string[]
  horizon: string
  timeoutMs: number
  confirm: () => void
  fail: (error: Error) => void
}

/** As a promise. */
function written(batches: RecordBatches, line: string, horizon = HOUR): Promise<void> {
  return new Promise((resolve, reject) => {
    batches.write(horizon, line, { recorded: (error) => (error === undefined ? resolve() : reject(error)) })
  })
}

/** Batches whose publishes are answered by the test, in order. */
function world(limits?: BatchLimits) {
  const sent: Sent[] = []
  const batches = new RecordBatches(
    (horizon, body, left) => {
      const sending = { lines: body.toString().split('\n'), horizon: horizon.name, timeoutMs: left }
      return new Promise((confirm, fail) => sent.push({ ...sending, confirm, fail }))
    },
    TIMEOUT_MS,
    limits,
  )
  const write = (lines: readonly string[], horizon = HOUR) => {
    const all = lines.map((line) => written(batches, line, horizon))
    for (const one of all) one.catch(() => undefined)
    return all
  }
  return { batches, sent, write }
}

const lines = (count: number, prefix = '') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Four publishes on their way, of one record each. */
async function busy({ write }: Pick<ReturnType<typeof world>, 'write'>) {
  const all: Promise<void>[] = []
  for (let n = 0; n < 4; n++) {
    all.push(...write([`busy ${n}`]))
    await turn()
  }
  return all
}

/** Confirms everything until nothing more comes. */
async function confirmAll(sent: { confirm: () => void }[]): Promise<void> {
  for (let n = 0; n < sent.length; n++) {
    sent[n]!.confirm()
    await turn()
  }
}

it('a record is sent at the end of the turn, and resolves with its confirm', async () => {
  const { batches, sent, write } = world()
  const [one] = write(['a'])
  await turn()
  expect(sent.map((publish) => publish.lines)).toEqual([['a']])
  sent[0]!.confirm()
  await one
  await batches.settled()
})

it('records of one turn travel together, and gather while four publishes are under way: 64 at most, in order', async () => {
  const { batches, sent, write } = world()
  const first = write(['a', 'b'])
  await turn()
  expect(sent.map((publish) => publish.lines)).toEqual([['a', 'b']])
  const all = [...first, ...(await busy({ write }))]
  expect(sent).toHaveLength(4)
  all.push(...write(lines(200)))
  await turn()
  expect(sent).toHaveLength(4)
  sent[1]!.confirm()
  await turn()
  expect(sent[4]?.lines).toEqual(['busy 3', ...lines(63)])
  await confirmAll(sent)
  await Promise.all(all)
  await batches.settled()
  expect(sent.slice(4).map((publish) => publish.lines.length)).toEqual([64, 64, 64, 9])
  expect(sent.flatMap((publish) => publish.lines).slice(-200)).toEqual(lines(200))
})

it('a log may have limits of its own', async () => {
  const { sent, write } = world({ records: 100, publishes: 1 })
  const all = write(lines(250))
  await turn()
  expect(sent).toHaveLength(1)
  await confirmAll(sent)
  await Promise.all(all)
  expect(sent.map((publish) => publish.lines.length)).toEqual([100, 100, 50])
})

it('a publish has 256 KiB at most; a larger record travels alone', async () => {
  const { sent, write } = world()
  void Promise.all(await busy({ write }))
  const large = ['x'.repeat(160_000), 'é'.repeat(80_000), 'z'.repeat(400_000), 'a', 'b']
  const all = write(large)
  await confirmAll(sent)
  await Promise.all(all)
  expect(sent.slice(4).map((publish) => publish.lines.map(({ length }) => length))).toEqual([
    [160_000],
    [80_000],
    [400_000],
    [1, 1],
  ])
})

it('records of each horizon travel apart, and take turns', async () => {
  const { sent, write } = world()
  void Promise.all(await busy({ write }))
  const all = [...write(lines(150, 'a')), ...write(lines(150, 'b'), EIGHT_HOURS)]
  await confirmAll(sent)
  await Promise.all(all)
  const rest = sent.slice(4)
  expect(rest.map(({ horizon }) => horizon)).toEqual(['1h', '8h', '1h', '8h', '1h', '8h'])
  for (const publish of rest) expect(publish.lines[0]!.startsWith(publish.horizon === '1h' ? 'a' : 'b')).toBe(true)
})

it('a failure is that of the records of one publish', async () => {
  const { sent, write } = world()
  const all = await busy({ write })
  all.push(...write(lines(70)))
  const lost = new DuequeError('PUBLISH_TIMEOUT', 'no answer', { waitedMs: 1 }, { outcome: 'unknown' })
  sent[0]!.fail(lost)
  expect(await failure(all[0]!)).toBe(lost)
  await turn()
  sent[4]!.fail(lost)
  await turn()
  await confirmAll(sent)
  const outcomes = await Promise.allSettled(all)
  const failed = outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))
  expect(failed).toEqual([0, ...lines(68).slice(4).map(Number)])
})

it('a record that the broker never takes fails alone, however many travel with it', async () => {
  const refuses = vi.fn((_: Horizon, body: Buffer) => {
    const error = new DuequeError('BODY_TOO_LARGE', 'over the limit', { bytes: 1, maxBytes: 1 })
    return body.toString().split('\n').includes('7') ? Promise.reject(error) : Promise.resolve()
  })
  const batches = new RecordBatches(refuses, TIMEOUT_MS)
  const outcomes = await Promise.allSettled(lines(70).map((line) => written(batches, line)))
  expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([7])
  expect(outcomes[7]).toMatchObject({ reason: { code: 'BODY_TOO_LARGE' } })
  await batches.settled()
})

it('records that wait behind a silent broker fail in time, and younger ones not before their own', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const { batches, sent, write } = world()
    const [first] = await busy({ write })
    const gathered = write(lines(6))
    await turn()
    vi.advanceTimersByTime(20_000)
    const second = write(lines(2, 'late '))
    vi.advanceTimersByTime(10_000)
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS])
    sent[0]!.fail(new DuequeError('PUBLISH_TIMEOUT', 'no answer', { waitedMs: 30_000 }, { outcome: 'unknown' }))
    expect(await failure(first!)).toMatchObject({ outcome: 'unknown' })
    expect(await failure(gathered[5]!)).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'refused' })
    await turn()
    expect(sent[4]).toMatchObject({ lines: ['late 0', 'late 1'], timeoutMs: 20_000 })
    await confirmAll(sent)
    await Promise.all(second)
    await batches.settled()
  } finally {
    vi.useRealTimers()
  }
})

it('the body of a batch that was not confirmed stays as it is: it may still be on its way', async () => {
  const bodies: Buffer[] = []
  const batches = new RecordBatches((_horizon, body) => {
    bodies.push(body)
    return Promise.reject(new DuequeError('PUBLISH_TIMEOUT', 'no confirm', { waitedMs: TIMEOUT_MS }))
  }, TIMEOUT_MS)
  await expect(written(batches, 'first')).rejects.toMatchObject({ code: 'PUBLISH_TIMEOUT' })
  await expect(written(batches, 'other')).rejects.toMatchObject({ code: 'PUBLISH_TIMEOUT' })
  expect(bodies.map(String)).toEqual(['first', 'other'])
})
