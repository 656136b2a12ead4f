import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { say } from '../../scripts/broker/say.js'
import { startReceiving } from '../receiving.js'
import type { Contestant } from './contestant.js'
import type { Plan } from './options.js'
import type { PeerRequest } from './receiver.js'
import type { CellResult, Results } from './results.js'
import { Stage } from './servers/stage.js'
import { inTurns } from './turns.js'
import type { Work } from './works/work.js'

const RECEIVER = fileURLToPath(new URL('receiver.ts', import.meta.url))
/** For every receiver: fewer pauses of its garbage collection. */
const NODE_OPTIONS = ['--max-semi-space-size=64']
const CLOSES_WITHIN_MS = 20_000
/** Far longer than any work takes: a contestant that hangs does not stop the run. */
const LONGEST_MS = { long: 45 * 60_000, short: 3 * 60_000 }

/** Runs each work of the plan: in each round all contestants take turns, each round another one first. */
export async function run(plan: Plan, results: Results, keep: () => Promise<void>): Promise<void> {
  const shared = new Stage()
  try {
    for (const work of plan.works)
      for (let round = 1; round <= plan.roundsOf(work); round++)
        for (const contestant of inTurns(plan.contestants, round - 1)) {
          const stage = work.ownServers ? new Stage() : shared
          const cell = { work: work.name, contestant: contestant.name, round }
          const outcome = await tried(() => measure({ stage, work, contestant, plan, results }))
          results.cells.push({ ...cell, outcome })
          tell(results.cells.at(-1)!)
          if (stage !== shared) await stage.close()
          await keep()
          await sleep(plan.sizes.restMs)
        }
  } finally {
    await shared.close()
  }
}

interface Measurement {
  stage: Stage
  work: Work
  contestant: Contestant
  plan: Plan
  results: Results
}

async function measure({ stage, work, contestant, plan, results }: Measurement): Promise<CellResult['outcome']> {
  const reason = contestant.cannot?.[work.name]
  if (reason !== undefined) return { leftOut: reason }
  const open = await stage.open(contestant)
  if (typeof open === 'string') return { leftOut: open }
  try {
    const entrant = await contestant.setUp(open.site)
    if (typeof entrant === 'string') return { leftOut: entrant }
    const servers = Object.values(open.servers).map(({ how }) => how)
    results.contestants[contestant.name] = { about: contestant.about, settings: entrant.settings, servers }
    const request: PeerRequest = { contestant: contestant.name, urls: open.urls }
    const receive = () => startReceiving(RECEIVER, request, { nodeOptions: NODE_OPTIONS })
    try {
      const working = work.run({ contestant, entrant, open, sizes: plan.sizes, receive })
      return { measured: await within(LONGEST_MS[plan.sizes.form], working) }
    } finally {
      await inTime(entrant.close(), `closing ${contestant.name}`)
    }
  } finally {
    await inTime(open.leave(), `leaving the servers of ${contestant.name}`)
  }
}

async function tried(attempt: () => Promise<CellResult['outcome']>): Promise<CellResult['outcome']> {
  try {
    return await attempt()
  } catch (error) {
    return { failed: (error as Error).stack ?? String(error) }
  }
}

/** A contestant that cannot close, or fails to, does not stop the run. */
async function inTime(work: Promise<void>, what: string): Promise<void> {
  try {
    await within(CLOSES_WITHIN_MS, work)
  } catch (error) {
    say(`    ${what}: ${(error as Error).message}`)
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = sleep(limitMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`not within ${limitMs / 1000} s`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    late.catch(() => undefined)
    over.abort()
  }
}

function tell({ work, contestant, round, outcome }: CellResult): void {
  const what = `${work}, round ${round}: ${contestant}`
  if ('leftOut' in outcome) return say(`  ${what}: left out, ${outcome.leftOut}`)
  if ('failed' in outcome) return say(`  ${what}: FAILED, ${outcome.failed}`)
  for (const [variant, measures] of Object.entries(outcome.measured)) {
    const values = Object.entries(measures).map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
    say(`  ${what}${variant && `, ${variant}`}: ${values.join(', ')}`)
  }
}
