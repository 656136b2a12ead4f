import { describe, expect, test } from 'vitest'
import { Layout } from '../../../../src/amqp/topology/layout.js'
import { checkAlarms, checkContents } from '../../../../src/operate/doctor/contents.js'
import { examine } from '../../../../src/operate/doctor/checks.js'
import { checkPermissions } from '../../../../src/operate/doctor/permissions.js'
import { checkProduct, checkVersion } from '../../../../src/operate/doctor/product.js'
import { judgeTrip } from '../../../../src/operate/doctor/round-trip.js'
import type { Trip } from '../../../../src/operate/probe.js'
import { codes, healthy, names, queue } from './facts.js'

test('finds only notes on a healthy broker', () => {
  expect(codes(examine(healthy()))).toEqual(['note settings-unseen', 'note journal-none'])
})

test.each([
  ['RabbitMQ', '4.3.6', 'ok version'],
  ['RabbitMQ', '3.10.20', 'ok version'],
  ['RabbitMQ', '3.11.12', 'ok version'],
  ['RabbitMQ', '3.12.0-rc.1', 'ok version'],
  ['RabbitMQ', '3.10.8', 'warning version-loses'],
  ['RabbitMQ', '3.11.11', 'warning version-loses'],
  ['RabbitMQ', '3.10.1', 'error version-too-old'],
  ['RabbitMQ', '3.9.29', 'error version-too-old'],
  ['LavinMQ', '2.0.0', 'error not-rabbitmq'],
])('%s %s is %s', (product, version, expected) => {
  const { severity, code } = checkVersion({ product, version })
  expect(`${severity} ${code}`).toBe(expected)
})

test.each([
  [[['quorum_queue', true, 'stable']], []],
  [[['stream_queue', false, 'stable']], ['error flag-needed']],
  [[['user_limits', false, 'stable']], ['note flags-disabled']],
  [[['khepri_db', false, 'experimental']], []],
] as const)('feature flags %j: %j', (flags, expected) => {
  const facts = healthy()
  facts.management.flags = flags.map(([name, enabled, stability]) => ({ name, enabled, stability }))
  expect(codes(checkProduct(facts))).toEqual(expected)
})

test('the delayed-message plugin is noted', () => {
  const facts = healthy()
  facts.management.overview = { erlang: '27', exchangeTypes: ['direct', 'x-delayed-message'] }
  expect(codes(checkProduct(facts))).toEqual(['note delayed-plugin'])
})

test('each missing permission is named, with a pattern that grants it', () => {
  const probe = (permission: 'configure' | 'write' | 'read', name: string, allowed: boolean | 'unknown') => ({
    permission,
    name,
    allowed,
  })
  const probes = [
    probe('configure', names.deliver, true),
    probe('configure', 'a.b.dead', false),
    probe('write', names.deliver, false),
    probe('read', names.deliver, 'unknown'),
  ]
  const findings = checkPermissions({ ...healthy(), probes })
  expect(codes(findings)).toEqual([
    'error no-configure-permission',
    'error no-write-permission',
    'note permissions-unclear',
  ])
  expect(findings[0]!.todo).toContain("set_permissions -p / app '^(a\\.b\\.dead)$' WRITE READ")
  expect(findings[1]!.todo).toContain("app CONFIGURE '^(dueque\\.v1\\..*)$' READ")
})

test('with topology trust the pattern is that of a producer, or of a consumer of these queues', () => {
  const probes = [{ permission: 'write', name: names.deliver, allowed: false } as const]
  const todo = (queues: string[]) => checkPermissions({ ...healthy(), topology: 'trust', queues, probes })[0]!.todo
  expect(todo([])).toContain(String.raw`set_permissions -p / app '^$' '^dueque\.v1\.(entry\..+|deliver)$' '^$'`)
  expect(todo(['a.b'])).toContain(
    String.raw`'^$' '^dueque\.v1\.(entry\..+|deliver|dead|parked)$' '^(dueque\.v1\.(unroutable|cancellations\..+)|a\.b)$'`,
  )
})

test('with topology trust, a missing right to read unroutable messages is only a note', () => {
  const probes = [{ permission: 'read', name: names.unroutable, allowed: false } as const]
  expect(codes(checkPermissions({ ...healthy(), topology: 'trust', queues: ['q'], probes }))).toEqual([
    'note unroutable-left',
  ])
})

test.each([
  [{ memoryAlarm: true }, ['error alarm-memory']],
  [{ diskAlarm: true }, ['error alarm-disk']],
  [{ running: false }, ['warning node-down']],
  [{}, []],
])('a node with %j: %j', (more, expected) => {
  const facts = healthy()
  facts.management.nodes = [{ name: 'a', running: true, memoryAlarm: false, diskAlarm: false, ...more }]
  expect(codes(checkAlarms(facts))).toEqual(expected)
})

describe('strays', () => {
  test('parked, unroutable and dead messages are reported', () => {
    const facts = healthy()
    const queues = facts.look.queues as Map<string, ReturnType<typeof queue>>
    for (const name of [names.parked, names.unroutable, 'a.dead']) queues.set(name, queue(name, { messages: 2 }))
    expect(codes(checkContents(facts))).toEqual(['warning parked', 'warning unroutable', 'note dead'])
  })

  test('a full queue explains why messages stay unroutable', () => {
    const facts = healthy({ parts: [new Layout(names, 'quorum').binding('work')] })
    const queues = facts.look.queues as Map<string, ReturnType<typeof queue>>
    const limits = { 'x-max-length': 1, 'x-overflow': 'reject-publish', 'x-dead-letter-exchange': 'dlx' }
    queues.set('work', queue('work', { messages: 1, arguments: { ...limits, 'x-delivery-limit': 5 } }))
    queues.set(names.unroutable, { ...queues.get(names.unroutable)!, messages: 2 })
    const found = examine(facts).find(({ code }) => code === 'unroutable')
    expect(found?.todo).toContain('queue work is full')
  })

  test('without the management API the passive declares count', () => {
    const seenQueues = new Map<string, number | 'missing'>([[names.parked, 1]])
    expect(codes(checkContents({ ...healthy(), seenQueues, management: { missing: [] } }))).toEqual(['warning parked'])
  })

  test('nothing is reported about queues that could not be read', () => {
    expect(checkContents({ ...healthy(), management: { missing: [] } })).toEqual([])
  })
})

test('one note lists all skipped checks', () => {
  const missing = ['policies', 'queues'].map((part) => ({ part, reason: 'none there' }))
  const findings = examine({ ...healthy(), management: { missing } }).filter(({ code }) => code === 'left-out')
  expect(findings).toHaveLength(1)
  expect(findings[0]!.what).toContain('policies, queues (none there)')
})

test.each<[Trip, string]>([
  [{ arrived: true, latenessMs: 20 }, 'ok trip'],
  [{ arrived: true, latenessMs: 2500 }, 'warning trip-late'],
  [{ arrived: true, latenessMs: -1 }, 'error trip-early'],
  [{ arrived: false, why: 'lost' }, 'error trip-lost'],
  [{ arrived: false, why: 'interrupted' }, 'note trip-interrupted'],
  [{ arrived: false, why: 'blocked', text: 'low on memory' }, 'error alarm'],
  [{ arrived: false, why: 'denied', text: 'no' }, 'note trip-denied'],
  [{ arrived: false, why: 'failed', text: 'no' }, 'error trip-failed'],
])('a round trip of %j is %s', (trip, expected) => {
  const { severity, code } = judgeTrip(trip)
  expect(`${severity} ${code}`).toBe(expected)
})
