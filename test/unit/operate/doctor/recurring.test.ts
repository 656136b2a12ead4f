import { expect, test } from 'vitest'
import type { Part } from '../../../../src/amqp/topology/part.js'
import type { Facts, PolicyFact } from '../../../../src/operate/doctor/facts.js'
import { checkPermissions } from '../../../../src/operate/doctor/permissions.js'
import { checkPolicies } from '../../../../src/operate/doctor/policies.js'
import { checkRecurring } from '../../../../src/operate/doctor/recurring.js'
import { checkContents } from '../../../../src/operate/doctor/contents.js'
import { workQueues } from '../../../../src/operate/doctor/targets.js'
import { codes, healthy, recurring, ticks } from './facts.js'

const PARTS = [...recurring.parts(), ...ticks]
const STATE = { definitions: 3, unreadable: 0, tickers: 2 }
const there = (parts: readonly Part[] = PARTS, state: Facts['recurringState'] = STATE) => ({
  ...healthy({ parts: [...parts] }),
  recurringState: state,
})
const without = (name: string, kind: Part['kind']) => PARTS.filter((part) => part.name !== name || part.kind !== kind)

test.each<[string, readonly Part[], string[]]>([
  ['nothing', PARTS, []],
  ['the stream', without('dueque.v1.recurring', 'queue'), ['error queue-missing']],
  ['the exchange', without('dueque.v1.recurring', 'exchange'), ['error exchange-missing']],
  ['the binding of the stream', without('dueque.v1.recurring', 'binding'), ['error binding-missing']],
  ['the queue of ticks', without('dueque.v1.ticks', 'queue'), ['error queue-missing']],
  ['the binding of the queue of ticks', without('dueque.v1.ticks', 'binding'), ['error binding-missing']],
  [
    'an argument',
    PARTS.map((part) => (part.kind === 'queue' ? { ...part, arguments: { 'x-queue-type': 'quorum' } } : part)),
    ['error arguments-differ', 'error arguments-differ'],
  ],
])('missing or different: %s', (_, parts, expected) => {
  expect(codes(checkRecurring(there(parts)))).toEqual(expected)
})

test('the queue of ticks may be missing as long as nothing is defined', () => {
  const facts = there(without('dueque.v1.ticks', 'queue'), { definitions: 0, unreadable: 0, tickers: null })
  expect(codes(checkRecurring(facts))).toEqual([])
})

test.each<[string, NonNullable<Facts['recurringState']>, string[]]>([
  ['definitions, and nobody who sends', { ...STATE, tickers: 0 }, ['error ticker-missing']],
  ['nothing defined, and nobody who sends', { definitions: 0, unreadable: 0, tickers: 0 }, []],
  ['definitions in a store', { definitions: null, unreadable: 0, tickers: 0 }, []],
  ['unreadable definitions', { ...STATE, unreadable: 1 }, ['warning definitions-unreadable']],
  ['definitions that could not be read', { ...STATE, definitions: null, unread: 'x' }, ['note definitions-unread']],
])('%s', (_, state, expected) => {
  expect(codes(checkRecurring(there(PARTS, state)))).toEqual(expected)
})

test('a namespace without recurring messages is a note for a user that needs them, and an error if it declares nothing', () => {
  const facts = healthy()
  expect(checkRecurring(facts)).toEqual([])
  expect(checkRecurring({ ...facts, topology: 'trust' })).toEqual([])
  expect(codes(checkRecurring({ ...facts, recurring: true }))).toEqual(['note recurring-none'])
  const [found] = checkRecurring({ ...facts, topology: 'trust', recurring: true })
  expect(found).toMatchObject({ severity: 'error', code: 'recurring-missing' })
  expect(found!.todo).toContain('dueque topology apply --recurring')
})

test.each<[string, object, string[]]>([
  ['recurring', { 'max-length-bytes': 9 }, ['error policy-max-length-bytes']],
  ['recurring', { 'max-age': '80D' }, ['error policy-max-age']],
  ['recurring', { 'max-age': '84D' }, ['warning policy-max-age']],
  ['recurring', { 'max-age': '1Y', 'message-ttl': 1 }, []],
  ['ticks', { 'message-ttl': 1000 }, ['error policy-message-ttl']],
  ['ticks', { 'max-length': 10 }, ['error policy-max-length']],
  ['ticks', { expires: 1000 }, ['error policy-expires']],
  ['ticks', { 'delivery-limit': 5 }, ['warning policy-delivery-limit']],
])('a policy for %s with %j: %j', (name, definition, expected) => {
  const facts = there()
  facts.management.policies = [
    { name: 'p', pattern: `v1\\.${name}$`, applyTo: 'all', priority: 0, definition } as PolicyFact,
  ]
  expect(codes(checkPolicies(facts))).toEqual(expected)
})

test('a stream that was shortened within 83 days is a finding', () => {
  const starts = (days: number) => new Map([[recurring.exchange, { offset: 9, ageMs: days * 86_400_000 }]])
  expect(codes(checkRecurring({ ...there(), streamStarts: starts(82) }))).toEqual(['warning stream-trimmed'])
  expect(codes(checkRecurring({ ...there(), streamStarts: starts(83) }))).toEqual([])
})

test('the queue of ticks is no work queue, and its messages are no dead ones', () => {
  const facts = there()
  expect(workQueues(facts).map(({ name }) => name)).toEqual([])
  expect(codes(checkContents(facts))).toEqual([])
})

test('with topology trust, recurring messages need their exchange and stream, and a consumer the queue of ticks', () => {
  const probe = (permission: 'write' | 'read', name: string) => ({ permission, name, allowed: false })
  const facts = { ...there(), topology: 'trust', recurring: true } as const
  const todo = (probes: Facts['probes'], queues: string[] = []) =>
    checkPermissions({ ...facts, probes, queues })[0]!.todo
  expect(todo([probe('write', 'dueque.v1.recurring')])).toContain(
    String.raw`'^dueque\.v1\.(entry\..+|deliver|recurring)$' '^dueque\.v1\.recurring$'`,
  )
  expect(todo([probe('read', 'dueque.v1.ticks')], ['work'])).toContain(
    String.raw`'^(dueque\.v1\.(unroutable|cancellations\..+|recurring|ticks)|work)$'`,
  )
})
