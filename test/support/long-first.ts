import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The slowest files, in the order of their start, so that none of them runs alone at the end. Files that mostly wait
 * stand between files that load the machine.
 */
const LONG = [
  'faults/cluster',
  'faults/cancellation-cluster',
  'faults/broker-crash',
  'faults/cancellation',
  'faults/redis',
  'faults/journal',
  'cli/doctor',
  'faults/redis-expiry',
  'faults/node',
  'faults/postgres',
  'package/pack',
  'cli/topology',
  'integration/cancellation/three-rungs',
  'integration/ladder',
  'faults/restore',
  'strategies/ladder-trust',
  'faults/reschedule',
  'integration/cancellation/tail',
  'strategies/redis-expiry',
  'strategies/ladder-journal',
  'strategies/redis-expiry-events',
  'faults/alarm',
  'cli/waiting-journal',
  'integration/python',
  'faults/cancellation-log',
  'faults/backpressure',
  'faults/cancellation-network',
  'cli/waiting',
  'integration/cancellation/gate',
  'cli/hostile-arguments',
  'faults/network',
  'integration/queue-outlet',
  'cli/schedule-lines',
  'faults/hostile',
  'integration/cancellation/gate-blind',
  'cli/status',
  'faults/operator',
  'faults/repeat',
  'integration/publisher',
  'cli/dead',
  'faults/no-streams',
  'integration/unroutable',
  'integration/cancellation/random',
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
