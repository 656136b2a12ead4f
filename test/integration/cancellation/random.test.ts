import { describe, expect, test, type TestContext } from 'vitest'
import { connect, memory, type Dueque } from '../../../src/index.js'
import { useVhost } from '../../support/broker.js'
import { PlanRun, type PlanWorld } from './plan-run.js'
import { randomPlan } from './random-plan.js'

const vhost = useVhost()
const given = process.env['DUEQUE_SEED']
const SEEDS = given === undefined ? [1, 2].map(() => Math.floor(Math.random() * 2 ** 31)) : [Number(given)]

const worlds: Record<string, (test: TestContext) => Promise<PlanWorld>> = {
  async memory(test) {
    const mq = await connect({ strategy: memory({ cancellations: 'log' }), logger: false })
    test.onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    return { producer: mq, open: () => Promise.resolve(mq) }
  },
  async ladder(test) {
    const opened: Dueque[] = []
    test.onTestFinished(async () => {
      await Promise.all(opened.map((mq) => mq.close({ drainTimeoutMs: 2000 })))
    })
    const open = async () => {
      const mq = await connect({ url: vhost.url, logger: false })
      opened.push(mq)
      return mq
    }
    return { producer: await open(), open }
  },
}

const cases = Object.keys(worlds).flatMap((name) => SEEDS.map((seed) => ({ name, seed })))

describe.concurrent('random schedules, cancellations, reschedules, retries and restarts', () => {
  test.for(cases)('$name, DUEQUE_SEED=$seed: handled as the model says', async ({ name, seed }, test) => {
    const run = new PlanRun(await worlds[name]!(test))
    const wrong = await run.run(randomPlan(seed))
    console.info(name, { seed, ...run.counts })
    expect(wrong, `repeat it with DUEQUE_SEED=${seed}`).toEqual([])
  })
})
