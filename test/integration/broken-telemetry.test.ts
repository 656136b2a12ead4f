import { expect, test } from 'vitest'
import { connect, on, type Telemetry } from '../../src/index.js'
import { poll, useVhost } from '../support/broker.js'
import { note, unique } from '../strategies/recorder.js'

const vhost = useVhost()

type Run = () => Promise<unknown>
type Fault = (run: Run) => unknown
const never = new Promise<never>(() => undefined)
const fault = () => {
  throw new Error('hook')
}

/** Every hook and every listener has the fault, also what a hook returns for the end of a connection or a consumer. */
function broken(hook: Fault): Telemetry {
  const noRun = () => hook(() => Promise.resolve())
  const events = ['handled', 'retried', 'dead', 'dropped', 'cancelled', 'error'].map((event) => [event, noRun])
  return {
    schedule: (_info, _headers, run) => hook(run),
    cancel: (_info, run) => hook(run),
    reschedule: (_info, run) => hook(run),
    bulk: (_info, run) => hook(run),
    process: (_info, run) => hook(run),
    connected: noRun,
    consuming: () => noRun,
    events: Object.fromEntries(events) as Telemetry['events'],
  }
}

const WAITING = [40, 41, 42]

/**
 * Schedules, runs of many, cancellations, reschedules, retries, dead letters and a close while messages wait.
 *
 * @returns what came of all of it, and what telemetry was reported for
 */
async function course(telemetry?: Telemetry | Telemetry[]) {
  const to = { queue: unique('course') }
  const mq = await connect({ url: vhost.url, logger: false, telemetry })
  const reported: unknown[] = []
  mq.on('error', ({ code, data }) => reported.push(code === 'TELEMETRY_FAILED' && 'hook' in data ? data.hook : code))
  const handled: string[] = []
  let early = 0
  const consumer = await mq.consume(
    to.queue,
    [
      on(note, ({ payload: { n }, attempt, dueAt, deadLetter }) => {
        handled.push(`${n} attempt ${attempt}`)
        if (Date.now() < dueAt.getTime()) early++
        if (n % 5 === 0 && attempt === 1) throw new Error('again')
        if (n % 5 === 1) deadLetter('no')
      }),
    ],
    { retry: { attempts: 2, backoff: 10 } },
  )
  const schedule = (n: number, due: number) => mq.schedule(note, { n }, { to, in: due })
  const receipts = await Promise.all(Array.from({ length: 10 }, (_, n) => schedule(n, 20 * n)))
  const items = Array.from({ length: 20 }, (_, n) => ({
    message: note,
    payload: { n: n + 20 },
    options: { to, in: 100 },
  }))
  const { scheduled, failed } = await mq.scheduleAll(items)
  const waiting = await Promise.all(WAITING.map((n) => schedule(n, 3_600_000)))
  const moved = await mq.reschedule(waiting[0]!, { in: 50 }, { message: note, payload: { n: 43 } })
  const cancelled = [await mq.cancel(waiting[1]!), await mq.cancel(unique('none'))]
  const all = await mq.cancelAll([waiting[2]!])
  await poll(() => Promise.resolve(consumer.stats().handled === 25), { what: 'the handlers', timeoutMs: 40_000 })
  await poll(() => Promise.resolve(consumer.stats().dead === 6), { what: 'the dead', timeoutMs: 20_000 })
  const { handled: done, retried, dead, suppressed } = consumer.stats()
  // A close in the middle of a run.
  const later = { ...items[0]!, options: { to, in: 3_600_000 } }
  const run = mq.scheduleAll(Array.from({ length: 50 }, () => later))
  const outcomes: string[] = []
  for await (const { error } of run) {
    outcomes.push(error?.code ?? 'scheduled')
    if (outcomes.length === 1) await mq.close()
  }
  return {
    reported,
    outcome: {
      receipts: receipts.length,
      bulk: [scheduled, failed],
      moved: moved?.replaced,
      cancelled,
      all: [all.cancelled, all.failed],
      handled: handled.toSorted(),
      stats: { done, retried, dead, suppressed },
      early,
      closed: outcomes.length,
    },
  }
}

let plain: ReturnType<typeof course> | undefined
const HOOKS = ['schedule', 'cancel', 'reschedule', 'bulk', 'process', 'connected', 'consuming']
const EVENTS = ['handled', 'retried', 'dead', 'cancelled', 'error'].map((event) => `events.${event}`)
/** The reports of those hooks that fail where `bad` comes from. */
const ALL = [...HOOKS, ...EVENTS].toSorted()

test.concurrent.for<[string, Telemetry | Telemetry[], string[]]>([
  ['throws', broken(fault), ALL],
  ['throws after run', broken((run) => (void run(), fault())), ALL],
  ['rejects', broken(() => Promise.reject(new Error('hook'))), ALL],
  ['rejects in place of run', broken((run) => run().finally(fault)), ALL],
  ['hangs without calling run', broken(() => never), []],
  ['hangs after run', broken((run) => (void run(), never)), []],
  ['calls run twice', broken((run) => [run(), run()]), []],
  ['calls run too late', broken((run) => new Promise((resolve) => setTimeout(() => resolve(run()), 20))), []],
  ['is one of three that fail in each way', [broken(fault), broken(() => never), broken((run) => [run(), run()])], ALL],
])(
  'a telemetry whose every hook %s changes nothing, and is reported once for each hook',
  async ([, telemetry, expected]) => {
    plain ??= course()
    const [{ outcome }, faulty] = await Promise.all([plain, course(telemetry)])
    expect(faulty.outcome).toEqual(outcome)
    expect((faulty.reported as string[]).toSorted()).toEqual(expected)
    expect(outcome).toMatchObject({
      early: 0,
      stats: { done: 25, dead: 6, retried: 6, suppressed: 0 },
      moved: 'cancelled',
    })
  },
)
