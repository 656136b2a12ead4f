import { expect, test } from 'vitest'
import { Layout } from '../../../../src/amqp/topology/layout.js'
import { checkDestinations, limitedByBytes } from '../../../../src/operate/doctor/destinations.js'
import type { BindingFact, ExchangeFact, QueueFact } from '../../../../src/operate/management/resources.js'
import { checkJams } from '../../../../src/operate/doctor/jams.js'
import { checkLayout, ranges } from '../../../../src/operate/doctor/layout-check.js'
import { checkOutlets } from '../../../../src/operate/doctor/outlets.js'
import { probeQueue } from '../../../../src/operate/queue-roles.js'
import { allRungs } from '../../../../src/strategies/ladder/rungs.js'
import { codes, healthy, names, queue } from './facts.js'

const layout = new Layout(names, 'quorum')
const everyRung = allRungs().map(({ name }) => name)

type Change = (facts: ReturnType<typeof healthy>) => void
const queues = (facts: ReturnType<typeof healthy>) => facts.look.queues as Map<string, QueueFact>
const exchanges = (facts: ReturnType<typeof healthy>) => facts.management.exchanges as Map<string, ExchangeFact>
const bindings = (facts: ReturnType<typeof healthy>) => facts.management.bindings as Map<string, BindingFact[]>
const wait = `${names.prefix}.wait.30m`

test.each<[string, Change, string[]]>([
  ['nothing', () => undefined, []],
  ['an exchange', (facts) => exchanges(facts).delete(names.deliver), ['error exchange-missing']],
  ['the parking queue', (facts) => queues(facts).delete(names.parked), ['error queue-missing']],
  ['a binding', (facts) => bindings(facts).set(names.parked, []), ['error binding-missing']],
  ['a binding of a rung', (facts) => bindings(facts).set(`${names.prefix}.entry.m`, []), ['error rung-unbound']],
  ['the TTL of a rung', (facts) => queues(facts).set(wait, queue(wait)), ['error arguments-differ']],
])('missing or different: %s', (_, change, expected) => {
  const facts = healthy()
  change(facts)
  expect(codes(checkLayout(facts))).toEqual(expected)
})

test('a namespace without any part is new, over AMQP too', () => {
  const facts = healthy()
  exchanges(facts).clear()
  queues(facts).clear()
  expect(codes(checkLayout(facts))).toEqual(['note layout-new'])
  const seenExchanges = new Map([[names.deliver, 'missing' as const]])
  expect(codes(checkLayout({ ...facts, seenExchanges, management: { missing: [] } }))).toEqual(['note layout-new'])
})

test('over AMQP a missing exchange is found by a passive declare', () => {
  const seenExchanges = new Map<string, 'there' | 'missing'>([
    [names.deliver, 'missing'],
    [names.dead, 'there'],
  ])
  expect(codes(checkLayout({ ...healthy(), seenExchanges, management: { missing: [] } }))).toEqual([
    'error exchange-missing',
  ])
})

test('a missing rung is named if most others exist, or if the user may not declare it', () => {
  const rungs = everyRung.filter((name) => !['1h', '2h', '5d'].includes(name))
  const deleted = checkLayout(healthy({ rungs }))
  expect(codes(deleted)).toEqual(['warning rung-missing'])
  expect(deleted.at(-1)!.what).toContain('1h…2h, 5d')
  const probes = [{ permission: 'configure', name: `${names.prefix}.wait.1s`, allowed: false } as const]
  expect(codes(checkLayout({ ...healthy(), probes }))).toEqual(['error rung-missing'])
  expect(codes(checkLayout({ ...healthy({ rungs: everyRung }), probes }))).toEqual([])
})

test('a missing shard of a rung is named if the number of shards is given', () => {
  const facts = { ...healthy({ rungs: everyRung, shards: 3 }), shards: 3 }
  expect(codes(checkLayout(facts))).toEqual([])
  queues(facts).delete(`${names.prefix}.wait.2h.1`)
  expect(codes(checkLayout({ ...facts, shards: 1 }))).toEqual([])
  const findings = checkLayout(facts)
  expect(codes(findings)).toEqual(['warning rung-missing'])
  expect(findings.at(-1)!.what).toContain('2h (shard 1)')
  expect(codes(checkLayout({ ...facts, topology: 'trust', shards: 4 }))).toEqual(['error rung-missing'])
})

test('with topology trust, missing parts are errors', () => {
  const facts = { ...healthy(), topology: 'trust' } as const
  expect(codes(checkLayout(facts))).toEqual(['error rung-missing'])
  exchanges(facts).clear()
  queues(facts).clear()
  expect(codes(checkLayout(facts))).toEqual(['error layout-missing'])
  expect(codes(checkLayout({ ...healthy({ rungs: everyRung }), topology: 'trust' }))).toEqual([])
})

test('ranges do not span two units', () => {
  expect(ranges(['59s', '1m', '990ms', '980ms', '3m'])).toEqual(['980ms…990ms', '59s', '1m', '3m'])
})

const reject = { 'x-overflow': 'reject-publish' }
const dead = { 'x-dead-letter-exchange': 'dlx' }
const limit = { 'x-delivery-limit': 5 }
test.each<[object, string[]]>([
  [{ arguments: { ...dead, ...limit } }, []],
  [{ arguments: { ...dead } }, ['note queue-no-delivery-limit']],
  [{ arguments: { ...limit } }, ['warning queue-no-dead-letters']],
  [{ arguments: {} }, ['warning queue-no-dead-letters']],
  [{ type: 'classic', arguments: dead }, []],
  [{ arguments: { ...dead, ...limit, ...reject, 'x-max-length': 2 } }, ['warning queue-rejects']],
  [{ arguments: { ...dead, ...limit, ...reject, 'x-max-length': 2 }, messages: 2 }, ['error queue-full']],
  [{ arguments: { ...dead, ...limit, ...reject, 'x-max-length-bytes': 2 }, messages: 2 }, ['warning queue-rejects']],
  [{ arguments: { ...dead, ...limit, 'x-max-length': 2 }, messages: 2 }, ['warning queue-drops']],
  [{ arguments: { ...dead, ...limit }, durable: false }, ['warning queue-transient']],
])('a work queue with %j: %j', (more, expected) => {
  const facts = healthy({ parts: [layout.binding('work')] })
  queues(facts).set('work', queue('work', more))
  expect(codes(checkDestinations(facts))).toEqual(expected)
})

test.each<[string | undefined, number, string[]]>([
  [undefined, 2, ['warning batches-unconsumed']],
  ['work', 2, ['warning batches-unconsumed']],
  ['work.batches', 2, []],
  [undefined, 0, []],
])('batches with a consumer of %s, %i of them: %j', (consumed, messages, expected) => {
  const facts = healthy({ parts: layout.batches('work') })
  queues(facts).get('work.batches')!.messages = messages
  facts.management.consumers = consumed === undefined ? [] : [{ queue: consumed, connection: 'c' }]
  expect(codes(checkDestinations(facts)).filter((code) => !code.startsWith('ok'))).toEqual(expected)
})

test('the queue of a probe is no work queue, whoever measures', () => {
  const [doctor, watch] = (['doctor', 'probe'] as const).map((purpose) => probeQueue(names, purpose, '0a1b2c3d'))
  const facts = healthy({ parts: [doctor!, watch!, `${watch}4`].map((name) => layout.binding(name)) })
  for (const name of [doctor!, watch!, `${watch}4`]) queues(facts).set(name, queue(name, { type: 'classic' }))
  expect(checkDestinations(facts).map(({ what }) => what)).toEqual([expect.stringContaining(`${watch}4`)])
})

test.each([
  [900, 'warning queue-rejects'],
  [901, 'error queue-full'],
])('a queue with a limit of 1000 bytes, and 9 messages of together %i: %s', (bytes, expected) => {
  const facts = healthy({ parts: [layout.binding('work')] })
  const more = { arguments: { ...dead, ...limit, ...reject, 'x-max-length-bytes': 1000 }, messages: 9, ready: 9 }
  queues(facts).set('work', queue('work', more))
  facts.management.readyBytes = new Map([['work', bytes]])
  expect(limitedByBytes(facts)).toEqual(['work'])
  expect(codes(checkDestinations(facts))).toEqual([expected])
})

test('a full queue behind an outlet is reported with its outlet', () => {
  const facts = healthy({ parts: [layout.binding('work'), ...layout.queueOutlet('work')] })
  const more = { arguments: { ...dead, ...limit, ...reject, 'x-max-length': 1 }, messages: 1 }
  queues(facts).set('work', queue('work', more))
  const [found] = checkDestinations(facts)
  expect(found?.code).toBe('queue-full')
  expect(found?.what).toContain(`${names.prefix}.to-queue.work`)
})

test('a limit set by policy also makes a queue full', () => {
  const facts = healthy({ parts: layout.workQueue('work') })
  queues(facts).set('work', { ...queues(facts).get('work')!, messages: 7 })
  const definition = { 'max-length': 7 }
  facts.management.policies = [{ name: 'p', pattern: 'work$', applyTo: 'queues', priority: 0, definition }]
  expect(codes(checkDestinations(facts))).toEqual(['error queue-full'])
})

test('a queue that receives no messages of dueque is ignored', () => {
  const facts = healthy()
  queues(facts).set('other', queue('other'))
  expect(codes(checkDestinations(facts))).toEqual([])
})

const clinic = { name: 'clinic', type: 'topic', arguments: {} }
const way = { to: 'queue', name: 'q', key: '' } as const
test.each<[string, Change, string[]]>([
  ['is missing', () => undefined, ['error destination-missing']],
  ['has no binding', (facts) => exchanges(facts).set('clinic', clinic), ['error exchange-unbound']],
  [
    'has a binding',
    (facts) => {
      exchanges(facts).set('clinic', clinic)
      bindings(facts).set('clinic', [way])
    },
    ['note exchange-no-alternate'],
  ],
  [
    'has an alternate exchange',
    (facts) => exchanges(facts).set('clinic', { ...clinic, arguments: { 'alternate-exchange': 'x' } }),
    [],
  ],
])('an exchange destination that %s', (_, change, expected) => {
  const facts = healthy({ parts: layout.outlet('clinic') })
  change(facts)
  expect(codes(checkOutlets(facts))).toEqual(expected)
})

test.each<[held: number[], everyMs: number, string[]]>([
  [[3], 6000, []],
  [[3, 3], 6000, ['warning jam']],
  [[3, 5], 6000, ['warning jam']],
  [[5, 3], 6000, []],
  [[3, 0, 3], 6000, []],
  [[3, 3], 60_000, ['error jam']],
])('a rung that holds %j messages, seen every %i ms: %j', (held, everyMs, expected) => {
  const facts = healthy()
  facts.management.looks = held.map((messages, i) => ({
    at: i * everyMs,
    queues: new Map([[wait, queue(wait, { messages, ready: 0 })]]),
  }))
  expect(codes(checkJams(facts, []))).toEqual(expected)
})
