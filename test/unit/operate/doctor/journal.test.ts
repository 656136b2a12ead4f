import { expect, test } from 'vitest'
import { HORIZONS } from '../../../../src/log/horizons.js'
import type { PolicyFact } from '../../../../src/operate/doctor/facts.js'
import { checkPermissions } from '../../../../src/operate/doctor/permissions.js'
import { checkPolicies } from '../../../../src/operate/doctor/policies.js'
import { checkJournal, checkStreams } from '../../../../src/operate/doctor/streams.js'
import type { BindingFact, ExchangeFact, QueueFact } from '../../../../src/operate/management/resources.js'
import { cancellations, codes, healthy, journal, queue } from './facts.js'

type Change = (facts: ReturnType<typeof healthy>) => void
const queues = (facts: ReturnType<typeof healthy>) => facts.look.queues as Map<string, QueueFact>
const exchanges = (facts: ReturnType<typeof healthy>) => facts.management.exchanges as Map<string, ExchangeFact>
const bindings = (facts: ReturnType<typeof healthy>) => facts.management.bindings as Map<string, BindingFact[]>
const streams = HORIZONS.map((horizon) => journal.stream(horizon))
const [first] = streams as [string]
const there = () => healthy({ parts: journal.parts() })

test.each<[string, Change, string[]]>([
  ['nothing', () => undefined, []],
  ['the whole namespace', (facts) => (exchanges(facts).clear(), queues(facts).clear()), []],
  ['the exchange', (facts) => exchanges(facts).delete(journal.exchange), ['error exchange-missing']],
  ['one stream', (facts) => queues(facts).delete(first), ['error queue-missing']],
  ['a binding', (facts) => bindings(facts).get(journal.exchange)!.pop(), ['error binding-missing']],
  ['an argument', (facts) => queues(facts).set(first, queue(first, { type: 'stream' })), ['error arguments-differ']],
])('missing or different: %s', (_, change, expected) => {
  const facts = there()
  change(facts)
  expect(codes(checkJournal(facts))).toEqual(expected)
})

test('a namespace without a journal is a note, and an error only for a user that needs it and declares nothing', () => {
  const facts = healthy()
  expect(codes(checkJournal(facts))).toEqual(['note journal-none'])
  expect(codes(checkJournal({ ...facts, topology: 'trust' }))).toEqual(['note journal-none'])
  expect(codes(checkJournal({ ...facts, journal: true }))).toEqual(['note journal-none'])
  const [found] = checkJournal({ ...facts, topology: 'trust', journal: true })
  expect(found).toMatchObject({ severity: 'error', code: 'journal-missing' })
  expect(found!.todo).toContain('dueque topology apply --journal')
})

test('a node without a replica cannot list, and too few replicas stop schedules', () => {
  const node = (name: string) => ({ name, running: true, memoryAlarm: false, diskAlarm: false })
  const facts = there()
  facts.management.nodes = [node('a'), node('b')]
  facts.management.replicas = new Map([[first, { members: ['a'], online: ['a'] }]])
  const [without] = checkJournal(facts)
  expect(without).toMatchObject({ severity: 'warning', code: 'stream-without-replica' })
  expect(without!.what).toContain('cannot list waiting messages')
  facts.management.replicas = new Map([[first, { members: ['a', 'b', 'c'], online: ['a'] }]])
  expect(checkJournal(facts)[0]!.what).toContain('nothing can be scheduled with a journal')
})

const pattern = String.raw`\.journal`
test.each<[string, object, string[]]>([
  [pattern, { 'max-length-bytes': 9 }, ['error policy-max-length-bytes']],
  [pattern, { 'max-age': '30m' }, ['error policy-max-age']],
  // An entry is of no use once its message is due.
  [`${pattern}.1h`, { 'max-age': '2h' }, []],
  [`${pattern}.10y`, { 'max-age': '9Y' }, ['error policy-max-age']],
  [pattern, { 'message-ttl': 1000, expires: 1000, 'max-length': 1 }, []],
  [`${pattern}$`, { 'alternate-exchange': 'x' }, ['error policy-alternate-exchange']],
])('a policy for %s with %j: %j', (pattern, definition, expected) => {
  const policies = [{ name: 'p', pattern, applyTo: 'all', priority: 0, definition } as PolicyFact]
  const facts = there()
  facts.management.policies = policies
  expect(codes(checkPolicies(facts))).toEqual(expected)
  const without = healthy()
  without.management.policies = policies
  expect(codes(checkPolicies(without))).toEqual([])
  expect(codes(checkPolicies({ ...without, journal: true }))).toEqual(expected)
})

const HOUR = 3_600_000
test.each<[string, { offset: number; ageMs: number }, string[]]>([
  ['from its first record on', { offset: 0, ageMs: 1000 }, []],
  ['without records that are over', { offset: 100, ageMs: HOUR }, []],
  ['without records of the last hour', { offset: 100, ageMs: HOUR - 1 }, ['warning stream-trimmed']],
])('a stream %s', (_, start, expected) => {
  const facts = {
    ...there(),
    streamStarts: new Map([first, cancellations.stream(HORIZONS[0]!)].map((name) => [name, start])),
  }
  expect(codes(checkJournal(facts))).toEqual(expected)
  expect(codes(checkStreams(facts))).toEqual(expected)
})

test('with topology trust, writing a journal needs its exchange, and listing the streams of both logs', () => {
  const probe = (permission: 'write' | 'read', name: string, allowed: boolean) => ({ permission, name, allowed })
  const facts = { ...there(), topology: 'trust', journal: true } as const
  const [entry, exchange] = [probe('write', 'dueque.v1.entry.s', true), probe('write', journal.exchange, true)]
  const reads = (allowed: boolean) =>
    [...streams, cancellations.stream(HORIZONS[0]!)].map((name) => probe('read', name, allowed))
  const [denied] = checkPermissions({ ...facts, probes: [entry, { ...exchange, allowed: false }, ...reads(false)] })
  expect(denied).toMatchObject({ severity: 'error', code: 'no-write-permission' })
  expect(denied!.todo).toContain(String.raw`'^dueque\.v1\.(entry\..+|deliver|journal)$' '^$'`)
  const lister = checkPermissions({ ...facts, probes: [entry, { ...exchange, allowed: false }, ...reads(true)] })[0]!
  expect(lister.todo).toContain(String.raw`'^dueque\.v1\.(cancellations|journal)\..+$'`)
  const what = (probes: typeof facts.probes, queues: string[] = []) =>
    checkPermissions({ ...facts, probes, queues })[0]!.what
  expect(what([entry, exchange, ...reads(false)])).toBe('user app may schedule in namespace dueque.v1')
  expect(what([entry, exchange, ...reads(true)])).toBe('user app may schedule and list in namespace dueque.v1')
  expect(what([entry, exchange, probe('write', cancellations.exchange, true), ...reads(true)], ['work'])).toBe(
    'user app may schedule, cancel and list in namespace dueque.v1, and consume work',
  )
})
