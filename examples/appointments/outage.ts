import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { deleteQueues } from './broker.js'
import { start, type Child } from './child.js'
import { signal, unlessStopped } from './interrupt.js'
import { readLedger } from './ledger.js'
import { heldCount, url } from './settings.js'
import { WAYS, type WayName } from './ways.js'

const DUE_IN_SECONDS = 15
/** Time after the workers are ready until a missing reminder counts as lost. */
const PATIENCE_MS = 30_000

interface Tried {
  readonly way: WayName
  readonly queue: string
  readonly ledger: string
  readonly env: Record<string, string>
}

/** The ways whose servers the process that started this one can kill, and memory. It names the servers in `DEMO_KILLS`. */
export function tryable(ways: readonly WayName[]): WayName[] {
  const servers = [...(process.env['DEMO_KILLS'] ?? '').split(','), 'memory']
  return ways.filter((way) => servers.includes(WAYS[way].server))
}

/**
 * Lets reminders wait on each way, kills their producers and servers with -9, starts the servers again, and counts the reminders
 * that arrive.
 *
 * @param ways of {@link tryable}
 */
export async function outage(ways: readonly WayName[], store: string): Promise<ReadonlyMap<WayName, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'appointments-'))
  const run = crypto.randomUUID().slice(0, 8)
  const all = ways.map((way) => ({
    way,
    queue: `appointment-reminders-${run}-${way}`,
    ledger: join(folder, way),
    env: { DEMO_STRATEGY: way, DEMO_STORE: store },
  }))
  const children: Child[] = []
  try {
    for (const { ledger } of all) await writeFile(ledger, '')
    await hold(all, children)
    await killServers()
    await receive(all, children)
    return new Map(await Promise.all(all.map(async (one) => [one.way, await arrived(one)] as const)))
  } finally {
    await Promise.all(children.map((child) => child.stop()))
    await rm(folder, { recursive: true })
    const queues = all.filter(({ way }) => way !== 'memory').flatMap(({ queue }) => [queue, `${queue}.dead`])
    if (queues.length > 0) await deleteQueues(url, queues)
  }
}

/** Schedules on each way, and kills the processes that did. */
async function hold(all: readonly Tried[], children: Child[]): Promise<void> {
  const holders = all.map(({ queue, ledger, env }) => {
    const args = ['--count', String(heldCount), '--in', String(DUE_IN_SECONDS), '--queue', queue, '--ledger', ledger]
    return start('hold.ts', args, env)
  })
  children.push(...holders)
  await unlessStopped(Promise.all(holders.map(({ told }) => told)))
  await Promise.all(holders.map((holder) => holder.kill()))
}

/** Asks the process that started this one, and resolves when the servers take clients again. */
async function killServers(): Promise<void> {
  if (!process.send || !process.env['DEMO_KILLS']) return
  process.send('kill')
  await unlessStopped(once(process, 'message'))
}

/** Starts a worker for each queue, and waits for its reminders. */
async function receive(tried: readonly Tried[], children: Child[]): Promise<void> {
  const others = tried.filter(({ way }) => way !== 'memory')
  const workers = others.map(({ queue, ledger, env }) =>
    start('worker.ts', ['--queue', queue, '--ledger', ledger], env),
  )
  children.push(...workers)
  await unlessStopped(Promise.all(workers.map(({ told }) => told)))
  const deadline = Date.now() + PATIENCE_MS
  for (const one of others) {
    while ((await arrived(one)) < heldCount && Date.now() < deadline) await pause(200, undefined, { signal })
  }
}

async function arrived({ ledger }: Tried): Promise<number> {
  return new Set((await readLedger(ledger)).map(({ id }) => id)).size
}
