import { expect, test } from 'vitest'
import { Layout } from '../../../../src/amqp/topology/layout.js'
import { HORIZONS } from '../../../../src/log/horizons.js'
import type { PolicyFact } from '../../../../src/operate/doctor/facts.js'
import { checkPermissions } from '../../../../src/operate/doctor/permissions.js'
import { checkPolicies } from '../../../../src/operate/doctor/policies.js'
import { checkStreams } from '../../../../src/operate/doctor/streams.js'
import { checkTails } from '../../../../src/operate/doctor/tails.js'
import type { BindingFact, ExchangeFact, QueueFact } from '../../../../src/operate/management/resources.js'
import { cancellations, codes, healthy, names, queue } from './facts.js'

type Change = (facts: ReturnType<typeof healthy>) => void
const queues = (facts: ReturnType<typeof healthy>) => facts.look.queues as Map<string, QueueFact>
const exchanges = (facts: ReturnType<typeof healthy>) => facts.management.exchanges as Map<string, ExchangeFact>
const bindings = (facts: ReturnType<typeof healthy>) => facts.management.bindings as Map<string, BindingFact[]>
const streams = HORIZONS.map((horizon) => cancellations.stream(horizon))
const [first] = streams as [string]
const none: Change = (facts) => {
  exchanges(facts).delete(cancellations.exchange)
  for (const name of streams) queues(facts).delete(name)
}

test.each<[string, Change, string[]]>([
  ['nothing', () => undefined, []],
  ['every stream', none, ['note streams-new']],
  ['the whole namespace', (facts) => (exchanges(facts).clear(), queues(facts).clear()), []],
  ['the exchange', (facts) => exchanges(facts).delete(cancellations.exchange), ['error exchange-missing']],
  ['one stream', (facts) => queues(facts).delete(first), ['error queue-missing']],
  ['a binding', (facts) => bindings(facts).get(cancellations.exchange)!.pop(), ['error binding-missing']],
  ['an argument', (facts) => queues(facts).set(first, queue(first, { type: 'stream' })), ['error arguments-differ']],
])('missing or different: %s', (_, change, expected) => {
  const facts = healthy()
  change(facts)
  expect(codes(checkStreams(facts))).toEqual(expected)
  expect(codes(checkStreams({ ...facts, hasStreams: false }))).toEqual([])
})

test('with topology trust, missing streams are an error for a consumer', () => {
  const facts = { ...healthy(), topology: 'trust' } as const
  none(facts)
  expect(codes(checkStreams(facts))).toEqual(['note streams-new'])
  const [found] = checkStreams({ ...facts, queues: ['work'] })
  expect(found).toMatchObject({ severity: 'error', code: 'streams-missing' })
  expect(found!.todo).toContain('dueque topology apply')
})

const node = (name: string, running = true) => ({ name, running, memoryAlarm: false, diskAlarm: false })

test.each<[string, { members: string[]; online: string[] }, string[]]>([
  ['a replica on each node', { members: ['a', 'b', 'c'], online: ['a', 'b', 'c'] }, []],
  ['a node without one', { members: ['a', 'b'], online: ['a', 'b'] }, ['warning stream-without-replica']],
  ['one that is down', { members: ['a', 'b', 'c'], online: ['a', 'b'] }, ['warning stream-replica-down']],
  ['too few online', { members: ['a', 'b', 'c'], online: ['a'] }, ['error stream-unavailable']],
])('replicas: %s', (_, replicas, expected) => {
  const facts = healthy()
  facts.management.nodes = [node('a'), node('b'), node('c')]
  facts.management.replicas = new Map([[first, replicas]])
  expect(codes(checkStreams(facts))).toEqual(expected)
})

test('a replica on a node that is down is no finding: the node is', () => {
  const facts = healthy()
  facts.management.nodes = [node('a'), node('b'), node('c', false)]
  facts.management.replicas = new Map([[first, { members: ['a', 'b', 'c'], online: ['a', 'b'] }]])
  expect(codes(checkStreams(facts))).toEqual([])
})

test('a node without a replica is named with its streams and the command', () => {
  const facts = healthy()
  facts.management.nodes = [node('rabbit@a'), node('rabbit@b')]
  facts.management.replicas = new Map([[first, { members: ['rabbit@a'], online: ['rabbit@a'] }]])
  const [found] = checkStreams(facts)
  expect(found!.what).toContain(`node rabbit@b has no replica of ${first}`)
  expect(found!.todo).toContain(`rabbitmq-streams add_replica -p / ${first} rabbit@b`)
})

const stream = String.raw`\.cancellations\.`
test.each<[string, object, string[]]>([
  [stream, { 'max-length-bytes': 9 }, ['error policy-max-length-bytes']],
  [stream, { 'max-age': '30m' }, ['error policy-max-age']],
  [`${stream}1h`, { 'max-age': '2h' }, ['warning policy-max-age']],
  [`${stream}1h`, { 'max-age': '169h' }, []],
  [`${stream}1h`, { 'max-age': '1Y' }, []],
  [`${stream}10y`, { 'max-age': '9Y' }, ['error policy-max-age']],
  [`${stream}10y`, { 'max-age': '11Y' }, []],
  [stream, { 'message-ttl': 1000, expires: 1000, 'max-length': 1 }, []],
  ['cancellations$', { 'alternate-exchange': 'x' }, ['error policy-alternate-exchange']],
  ['cancellations$', { 'federation-upstream-set': 'all' }, []],
])('a policy for %s with %j: %j', (pattern, definition, expected) => {
  const policy = { name: 'p', pattern, applyTo: 'all', priority: 0, definition } as PolicyFact
  const facts = healthy()
  facts.management.policies = [policy]
  expect(codes(checkPolicies(facts))).toEqual(expected)
  expect(codes(checkPolicies({ ...facts, hasStreams: false }))).toEqual([])
})

test('a policy for streams alone counts', () => {
  const definition = { 'max-length-bytes': 9 }
  const policy = { name: 'p', pattern: '.*', applyTo: 'streams', priority: 0, definition }
  const facts = healthy()
  facts.management.policies = [policy]
  expect(codes(checkPolicies(facts))).toEqual(['error policy-max-length-bytes'])
})

test('consumers of a work queue without a tail are named with queue and connection', () => {
  const layout = new Layout(names, 'quorum')
  const facts = healthy({
    parts: ['work', 'form.intake', 'gated', 'gated.due'].flatMap((name) => layout.workQueue(name)),
  })
  exchanges(facts).set('form', { name: 'form', type: 'fanout', arguments: {} })
  const consumers = [
    ...streams.map((name) => ({ queue: name, connection: 'new' })),
    { queue: 'work', connection: 'new' },
    { queue: 'work', connection: 'old' },
    { queue: 'form.intake', connection: 'intake' },
    { queue: 'gated', connection: 'new', forwardsTo: 'gated.due' },
    { queue: 'gated.due', connection: 'foreign' },
    { queue: names.unroutable, connection: 'producer' },
    { queue: 'of another program', connection: 'other' },
  ]
  const connectionNames = new Map([['old', 'dueque@host:1 consumer']])
  Object.assign(facts.management, { consumers, connectionNames })
  const [found, ...more] = checkTails(facts)
  expect(more).toEqual([])
  expect(found).toMatchObject({ severity: 'warning', code: 'consumer-without-tail' })
  expect(found!.what).toContain('queue work is consumed without reading cancellations, by dueque@host:1 consumer (old)')
  expect(codes(checkTails({ ...facts, hasStreams: false }))).toEqual([])
  none(facts)
  expect(checkTails(facts)).toEqual([])
})

test('with topology trust, a consumer needs the right to read the streams, and only cancelling needs their exchange', () => {
  const probe = (permission: 'write' | 'read', name: string, allowed: boolean) => ({ permission, name, allowed })
  const facts = { ...healthy(), topology: 'trust', queues: ['a.b'] } as const
  const write = probe('write', cancellations.exchange, false)
  const [ok] = checkPermissions({ ...facts, probes: [write] })
  expect(ok).toMatchObject({ severity: 'ok', what: 'user app may schedule in namespace dueque.v1, and consume a.b' })
  const cancels = checkPermissions({ ...facts, probes: [{ ...write, allowed: true }] })[0]!
  expect(cancels.what).toContain('may schedule and cancel in')
  const [read] = checkPermissions({ ...facts, probes: [{ ...write, allowed: true }, probe('read', first, false)] })
  expect(read).toMatchObject({ severity: 'error', code: 'no-read-permission' })
  expect(read!.todo).toContain(String.raw`'^dueque\.v1\.(entry\..+|deliver|dead|parked|cancellations)$'`)
  expect(read!.todo).toContain(String.raw`'^(dueque\.v1\.(unroutable|cancellations\..+)|a\.b)$'`)
  expect(read!.todo).toContain("or consume with cancellations: 'off'")
  expect(checkPermissions({ ...facts, hasStreams: false, probes: [probe('read', 'a.b', false)] })[0]!.todo).toContain(
    String.raw`'^(dueque\.v1\.unroutable|a\.b)$'`,
  )
})
