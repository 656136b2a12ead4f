import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { account, type Account } from './account.js'
import { deleteQueues } from './broker.js'
import type { Child } from './child.js'
import { realTime, type ClinicClock } from './clinic-clock.js'
import type { Input } from './input.js'
import { signal } from './interrupt.js'
import { readLedger } from './ledger.js'
import { Progress } from './progress.js'
import type { Reminder } from './reminder.js'
import { url } from './settings.js'
import { beginDay, type Work } from './staff.js'

/** Time after the last due instant until a missing reminder counts as lost. */
const PATIENCE_MS = 15_000

/** Lets two days of the clinic pass, and counts. */
export async function day(work: Omit<Work, 'ledger'>, input: Input): Promise<Account> {
  const folder = await mkdtemp(join(tmpdir(), 'appointments-'))
  const ledger = join(folder, 'ledger.jsonl')
  await writeFile(ledger, '')
  const children: Child[] = []
  try {
    const clock = await beginDay({ ...work, ledger }, input, children)
    const progress = new Progress(input.expected, clock, { samples: work.isTold ? 10 : 0 })
    await watch(input.expected, { clock, ledger, progress })
    await Promise.all(children.map((child) => child.stop()))
    return account(input.expected, await readLedger(ledger), clock)
  } finally {
    await Promise.all(children.map((child) => child.stop()))
    await rm(folder, { recursive: true })
    if (work.way !== 'memory') await deleteQueues(url, [work.queue, `${work.queue}.dead`])
  }
}

interface Watched {
  clock: ClinicClock
  ledger: string
  progress: Progress
}

/** Waits for all reminders, and a moment more for duplicates; or until the rest counts as lost. */
async function watch(reminders: readonly Reminder[], { clock, ledger: file, progress }: Watched): Promise<void> {
  const last = Math.max(...reminders.map(({ dueAt }) => dueAt))
  const deadline = realTime(clock, last) + PATIENCE_MS
  let arrived = 0
  while (arrived < reminders.length && Date.now() < deadline) {
    await pause(200, undefined, { signal })
    const ledger = await readLedger(file)
    progress.show(ledger)
    arrived = new Set(ledger.map(({ id }) => id)).size
  }
  await pause(500, undefined, { signal })
  progress.end()
}
