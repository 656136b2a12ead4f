import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The slowest files, in the order of their start, so that none of them runs alone at the end. Files that mostly wait
 * stand between files that load the machine.
 */
const LONG = [
  'faults/cluster',
  'faults/cancellation-cluster',
  'faults/cancellation',
  'faults/broker-crash',
  'faults/redis-expiry',
  'cli/doctor',
  'faults/postgres',
  'integration/cancellation/three-rungs',
  'faults/redis',
  'faults/cancellation-network',
  'faults/reschedule',
  'integration/cancellation/gate',
  'integration/cancellation/gate-blind',
  'package/pack',
  'strategies/ladder-journal',
  'integration/ladder',
  'cli/topology',
  'strategies/redis-expiry-events',
  'faults/node',
  'faults/alarm',
  'cli/schedule-lines',
  'faults/backpressure',
  'integration/cancellation/random',
  'faults/cancellation-log',
  'integration/queue-outlet',
  'cli/hostile-arguments',
  'integration/consumer',
  'faults/hostile',
  'cli/schedule',
  'faults/network',
  'cli/secrets',
  'integration/unroutable',
  'cli/usage',
  'integration/clocks',
].map((name) => `/test/${name}.test.ts`)

/** The order of files: those of {@link LONG}, then as vitest would. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => place(a) - place(b))
  }
}

function place({ moduleId, project }: TestSpecification): number {
  const group = project.config.sequence.groupOrder * (LONG.length + 1)
  const long = LONG.findIndex((name) => moduleId.endsWith(name))
  return group + (long === -1 ? LONG.length : long)
}
