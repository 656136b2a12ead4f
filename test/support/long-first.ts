import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The slowest files, in the order of their start, so that none of them runs alone at the end. Files that mostly wait
 * stand between files that load the machine.
 */
const LONG = [
  'faults/cluster',
  'integration/cancellation/three-rungs',
  'faults/journal',
  'faults/cancellation-cluster',
  'strategies/ladder-journal',
  'faults/broker-crash',
  'strategies/memory-journal',
  'faults/recurring',
  'faults/recurring-stores',
  'strategies/redis',
  'cli/doctor',
  'faults/redis',
  'cli/usage',
  'strategies/postgres/pgbouncer',
  'faults/cancellation',
  'strategies/ladder-trust',
  'package/pack',
  'strategies/redis-expiry',
  'faults/postgres',
  'integration/cancellation/tail',
  'faults/redis-expiry',
  'strategies/memory',
  'faults/cancellation-log',
  'strategies/ladder',
  'faults/restore',
  'strategies/redis-expiry-events',
  'faults/alarm',
  'strategies/postgres/pg',
  'faults/node',
  'strategies/ladder-classic',
  'integration/ladder',
  'strategies/memory-log',
  'cli/topology',
  'strategies/ladder-lead',
  'faults/reschedule',
  'strategies/ladder-shards',
  'cli/secrets',
  'strategies/postgres/postgres-js',
  'integration/tracing/tracing',
  'strategies/redis-store',
  'cli/waiting',
  'integration/python',
  'faults/backpressure',
  'faults/cancellation-network',
  'cli/waiting-journal',
  'integration/cancellation/gate',
  'cli/metrics',
  'faults/network',
  'cli/recurring',
  'integration/queue-outlet',
  'cli/schedule',
  'faults/repeat',
  'cli/hostile-arguments',
  'integration/cancellation/gate-blind',
  'cli/schedule-lines',
  'integration/recurring/changes',
  'faults/hostile',
  'integration/recurring/ticker',
  'faults/operator',
  'cli/dead',
  'integration/unroutable',
  'strategies/postgres/million',
  'cli/status',
  'integration/publisher',
  'faults/no-streams',
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
