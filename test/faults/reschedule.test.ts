import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Recorder, note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { isNamed, writtenRecords, type WrittenRecord } from '../support/cancellation-records.js'
import { startChild, type Child } from '../support/child.js'
import { open } from '../support/mq.js'
import type { Step, StepAnswer } from './reschedule-child.js'
import { warmUp } from '../support/warm-up.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()
/** The default of `connect`. */
const MARGIN_MS = 1000
/** How many messages each test has: a multiple of 4. */
const COUNT = Number(process.env['DUEQUE_RESCHEDULED_COUNT'] ?? 300)
/** They are due when all are rescheduled, on a busy machine too. */
const IN_MS = 15_000 + COUNT * 5
/** Reschedules of one process that crashes. */
const OF_ONE = COUNT / 4

/** Waiting messages, and a consumer that records which copies arrive: `old` or the text of a reschedule. */
async function waiting() {
  const queue = unique('reschedule')
  const mq = await open(vhost.url, { publishTimeoutMs: 120_000 })
  const recorder = await Recorder.on(mq, queue)
  await warmUp(mq, IN_MS / 3, IN_MS + 5000)
  const at = new Date(Date.now() + IN_MS)
  const schedule = (n: number) => mq.schedule(note, { n, text: 'old' }, { to: { queue }, at })
  const receipts = await Promise.all(Array.from({ length: COUNT }, (_, n) => schedule(n)))
  // Declares the streams.
  await mq.cancel(unique('nobody'))
  const arrived = () => {
    const texts = receipts.map(() => [] as string[])
    for (const { n, text } of recorder.deliveries.map(({ payload }) => payload)) texts[n]!.push(text!)
    return texts
  }
  return { receipts, recorder, arrived, dueAt: at.getTime() }
}

/** A process that is ready for its steps. */
interface Rescheduler {
  readonly child: Child
  readonly take: (steps: readonly Step[]) => void
  readonly answers: () => StepAnswer[]
}

async function ready(crash: 'none' | 'between'): Promise<Rescheduler> {
  const folder = mkdtempSync(join(tmpdir(), 'dueque-steps-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'steps.json')
  const child = startChild(new URL('reschedule-child.ts', import.meta.url), crash, file, vhost.url)
  await poll(() => child.lines.length > 0, { what: 'a process to be ready', timeoutMs: 60_000 })
  return {
    child,
    take(steps) {
      writeFileSync(`${file}.new`, JSON.stringify(steps))
      renameSync(`${file}.new`, file)
    },
    answers: () => child.lines.slice(1).map((line) => JSON.parse(line) as StepAnswer),
  }
}

test('of two reschedules and a cancel by three processes at once, at most one copy arrives: the one that the records leave', async () => {
  const processes = await Promise.all([0, 1, 2].map(() => ready('none')))
  const { receipts, recorder, arrived, dueAt } = await waiting()
  const begin = Date.now() + 500
  const step = (n: number, process: number): Step => {
    const plain = { n, at: begin + n * 5 + Math.random() * 4, receipt: receipts[n]! }
    if ((n + process) % 3 === 0) return plain
    return { ...plain, dueAt: new Date(dueAt + Math.random() * 4000 - 2000).toISOString(), text: `by ${process}` }
  }
  const plans = processes.map((_, process) => receipts.map((_, n) => step(n, process)))
  for (const [i, { take }] of processes.entries()) take(plans[i]!)
  const all = () => processes.every((process) => process.answers().length === COUNT)
  await poll(all, { what: 'all answers', timeoutMs: 60_000, intervalMs: 250 })
  const answers = processes.map((process) => new Map(process.answers().map((answer) => [answer.n, answer])))
  await pause(dueAt + 3000 - Date.now())
  const written = await writtenRecords(vhost.url)
  const records = new Map(receipts.map(({ id }) => [id, [] as WrittenRecord[]]))
  for (const record of written) records.get(record.id)?.push(record)

  const left: Record<string, number> = {}
  let late = 0
  for (const [n, copies] of arrived().entries()) {
    const { id, revision } = receipts[n]!
    const revisions = new Map([['old', revision]])
    const dues = [dueAt]
    for (const [process, answer] of answers.map((of) => of.get(n)!).entries()) {
      if (answer.revision !== undefined) revisions.set(`by ${process}`, answer.revision)
      const due = plans[process]![n]!.dueAt
      if (due !== undefined) dues.push(Date.parse(due))
    }
    if (answers.some((of) => of.get(n)!.answeredAt + MARGIN_MS > Math.min(...dues))) {
      late++
      continue
    }
    const expected = [...revisions].filter(([, each]) => !isNamed(records.get(id)!, each)).map(([text]) => text)
    expect(copies, `of message ${n}, by the records ${JSON.stringify(records.get(id))}`).toEqual(expected)
    expect(copies.length).toBeLessThanOrEqual(1)
    const survivor = copies[0] ?? 'none'
    left[survivor] = (left[survivor] ?? 0) + 1
    for (const of of answers) expect(of.get(n)!.answer).toBe('cancelled')
  }
  console.info({ left, late })
  expect(recorder.early).toEqual([])
  expect(late).toBeLessThan(COUNT / 10)
})

test('a process crashes while it reschedules: the old copy, the new one or both arrive, and never none', async () => {
  const kinds = ['between', 'none', 'between', 'none'] as const
  const processes = await Promise.all(kinds.map(ready))
  const { receipts, recorder, arrived, dueAt } = await waiting()
  const begin = Date.now() + 500
  const later = new Date(dueAt + 1000).toISOString()
  const steps = receipts.map((receipt, n) => {
    return { n, at: begin + (n % OF_ONE) * 16, receipt, dueAt: later, text: 'new' } satisfies Step
  })
  const crash = async ({ child, take, answers }: Rescheduler, i: number) => {
    take(steps.slice(i * OF_ONE, (i + 1) * OF_ONE))
    if (kinds[i] === 'none') {
      const some = Math.random() * OF_ONE
      await poll(() => child.lines.length > some, { what: 'some answers', timeoutMs: 20_000, intervalMs: 1 })
      await child.kill()
    } else await poll(() => child.process.signalCode, { what: 'the crash', timeoutMs: 20_000 })
    return answers().flatMap(({ n, answer }) => (answer === 'cancelled' ? [n] : []))
  }
  const replaced = new Set((await Promise.all(processes.map(crash))).flat())
  await poll(() => arrived().every((copies) => copies.length > 0), { what: 'a copy of each', timeoutMs: 60_000 })
  await pause(Math.max(dueAt + 3000 - Date.now(), 0))
  const counts: Record<string, number> = {}
  for (const [n, copies] of arrived().entries()) {
    const which = copies.toSorted().join(' and ')
    counts[which] = (counts[which] ?? 0) + 1
    if (kinds[Math.floor(n / OF_ONE)] === 'between') expect(which).toBe('new and old')
    else if (replaced.has(n)) expect(which).toBe('new')
    else expect(['old', 'new', 'new and old']).toContain(which)
  }
  console.info(counts)
  expect(recorder.early).toEqual([])
})
