import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongFirst } from './test/support/long-first.js'

const source = (file: string) => fileURLToPath(new URL(`./src/${file}`, import.meta.url))
const alias = [
  { find: /^dueque$/, replacement: source('index.ts') },
  { find: /^dueque\/dashboard$/, replacement: source('dashboard/index.ts') },
  { find: /^dueque\/nestjs$/, replacement: source('nestjs/index.ts') },
  { find: /^dueque\/otel$/, replacement: source('telemetry/otel/index.ts') },
  { find: /^dueque\/postgres$/, replacement: source('strategies/postgres/index.ts') },
  { find: /^dueque\/prometheus$/, replacement: source('telemetry/prometheus/index.ts') },
  { find: /^dueque\/redis$/, replacement: source('strategies/redis/index.ts') },
  { find: /^dueque\/testing$/, replacement: source('testing/index.ts') },
]

const cores = availableParallelism()

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['test/unit/**/*.test.ts', 'examples/testing/vitest.test.ts'],
          // Properties take seconds on a machine that others use as well.
          testTimeout: 30_000,
          // A worker loads the modules once for all of its files.
          isolate: false,
          maxWorkers: cores,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'broker',
          sequence: { groupOrder: 1 },
          include: ['test/{strategies,integration,faults,cli,package}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          globalSetup: ['test/support/services-setup.ts'],
          setupFiles: ['test/support/file-setup.ts'],
          // As above. What a file leaves behind for the next one of its worker: test/support/file-setup.ts
          isolate: false,
          // Files mostly wait, each with a virtual host or servers of its own.
          maxWorkers: Number(process.env['DUEQUE_TEST_WORKERS'] ?? 2 * cores + 1),
          maxConcurrency: 10, // of cases that mostly wait: test/strategies/conformance.ts
          // Where others use the machine as well. What needed it is named: see .ci/counts.js.
          retry: Number(process.env['DUEQUE_TEST_RETRIES'] ?? 0),
        },
      },
    ],
  },
})
