import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import * as api from '../../src/index.js'
import * as forDashboard from '../../src/dashboard/index.js'
import * as forPostgres from '../../src/strategies/postgres/index.js'
import * as forRedis from '../../src/strategies/redis/index.js'
import * as forOpenTelemetry from '../../src/telemetry/otel/index.js'
import * as forPrometheus from '../../src/telemetry/prometheus/index.js'
import * as testing from '../../src/testing/index.js'

it('the library exports exactly these names', () => {
  expect(Object.keys(api).sort()).toEqual([
    'DuequeError',
    'connect',
    'defineMessage',
    'isDuequeError',
    'ladder',
    'manualClock',
    'memory',
    'on',
    'onAny',
    'plugin',
    'startGate',
    'startIntake',
  ])
})

it('dueque/dashboard exports exactly this name', () => {
  expect(Object.keys(forDashboard)).toEqual(['dashboard'])
})

it('dueque/postgres exports exactly these names', () => {
  expect(Object.keys(forPostgres).sort()).toEqual([
    'fromDrizzle',
    'fromKnex',
    'fromKysely',
    'fromPrisma',
    'fromTypeOrm',
    'migratePostgres',
    'postgres',
    'postgresDedupe',
  ])
})

it('dueque/prometheus exports exactly this name', () => {
  expect(Object.keys(forPrometheus)).toEqual(['prometheus'])
})

it('dueque/redis exports exactly these names', () => {
  expect(Object.keys(forRedis).sort()).toEqual(['redis', 'redisDedupe', 'redisExpiry'])
})

it('dueque/otel exports exactly this name', () => {
  expect(Object.keys(forOpenTelemetry)).toEqual(['openTelemetry'])
})

it('dueque/testing exports exactly this name', () => {
  expect(Object.keys(testing)).toEqual(['testDueque'])
})

it('the package can be imported by exactly these paths', async () => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { exports, type } = JSON.parse(text) as { exports: unknown; type: string }
  expect(type).toBe('module')
  expect(exports).toEqual({
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './dashboard': { types: './dist/dashboard/index.d.ts', default: './dist/dashboard/index.js' },
    './otel': { types: './dist/telemetry/otel/index.d.ts', default: './dist/telemetry/otel/index.js' },
    './postgres': {
      types: './dist/strategies/postgres/index.d.ts',
      default: './dist/strategies/postgres/index.js',
    },
    './prometheus': {
      types: './dist/telemetry/prometheus/index.d.ts',
      default: './dist/telemetry/prometheus/index.js',
    },
    './redis': { types: './dist/strategies/redis/index.d.ts', default: './dist/strategies/redis/index.js' },
    './testing': { types: './dist/testing/index.d.ts', default: './dist/testing/index.js' },
    './package.json': './package.json',
  })
})
