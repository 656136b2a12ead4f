import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import * as api from '../../src/index.js'
import * as forDashboard from '../../src/dashboard/index.js'
import * as forNest from '../../src/nestjs/index.js'
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

it('dueque/nestjs exports exactly these names', () => {
  expect(Object.keys(forNest).sort()).toEqual([
    'DuequeHealthIndicator',
    'DuequeModule',
    'InjectDueque',
    'MessageDelivery',
    'MessagePayload',
    'OnAnyMessage',
    'OnMessage',
    'getDuequeToken',
  ])
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
  const built = (base: string) => ({
    import: { types: `./dist/${base}index.d.ts`, default: `./dist/${base}index.js` },
    require: { types: `./dist/${base}index.d.cts`, default: `./dist/${base}index.cjs` },
  })
  expect(exports).toEqual({
    '.': built(''),
    './dashboard': built('dashboard/'),
    './nestjs': built('nestjs/'),
    './otel': built('telemetry/otel/'),
    './postgres': built('strategies/postgres/'),
    './prometheus': built('telemetry/prometheus/'),
    './redis': built('strategies/redis/'),
    './testing': built('testing/'),
    './package.json': './package.json',
  })
})

it('the resolution node10 of TypeScript, which ignores exports, finds the types of the same paths', async () => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { exports, types, typesVersions } = JSON.parse(text) as {
    exports: Record<string, { import?: { types: string } }>
    types: string
    typesVersions: Record<'*', Record<string, string[]>>
  }
  const paths = Object.entries({ '.': [types], ...typesVersions['*'] })
  const found = paths.map(([path, [file]]) => [path === '.' ? path : `./${path}`, file])
  const expected = Object.entries(exports).flatMap(([path, one]) => (one.import ? [[path, one.import.types]] : []))
  expect(found).toEqual(expected)
})
