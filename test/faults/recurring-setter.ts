// recurring-setter.ts SETTINGS: a process that changes schedules, and kills itself with -9 when each change has done one step.
import { connect, ladder } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

export type SetStep = 'written' | 'cancelled'

export interface SetterSettings {
  readonly url: string
  /** Each with a schedule for each step, whose id is the step. */
  readonly namespaces: readonly string[]
  readonly queue: string
}

const STEPS: readonly SetStep[] = ['written', 'cancelled']
const { url, namespaces, queue } = JSON.parse(process.argv[2]!) as SetterSettings
let left = namespaces.length * STEPS.length

/** The change goes no further. */
function stop(): Promise<never> {
  if (--left === 0) process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

function stopping() {
  const strategy = ladder()
  const { definitions, cancellations } = strategy
  return {
    ...strategy,
    definitions: {
      ...definitions,
      write: async (record: Parameters<NonNullable<typeof definitions>['write']>[0]) => {
        const written = await definitions.write(record)
        return record.id === 'written' ? stop() : written
      },
    },
    cancellations,
    schedule: async (...args: Parameters<typeof strategy.schedule>) => {
      const [{ id, name }] = args
      return name === 'dueque.tick' && id.startsWith('cancelled@') ? stop() : strategy.schedule(...args)
    },
  }
}

for (const namespace of namespaces) {
  const strategy = stopping() as ReturnType<typeof ladder>
  const mq = await connect({ url, namespace, strategy, recurring: false, logger: false })
  const changed = { message: note, payload: { n: 2 }, to: { queue: `${namespace}.${queue}` }, every: '1s' } as const
  for (const id of STEPS) void mq.recurring.set(id, changed)
}
