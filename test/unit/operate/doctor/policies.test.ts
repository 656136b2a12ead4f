import { expect, test } from 'vitest'
import { effective, policyFor } from '../../../../src/operate/doctor/effective-policy.js'
import type { PolicyFact } from '../../../../src/operate/doctor/facts.js'
import { checkPolicies } from '../../../../src/operate/doctor/policies.js'
import { Layout } from '../../../../src/amqp/topology/layout.js'
import { codes, healthy, names } from './facts.js'

const policy = (more: Partial<PolicyFact>): PolicyFact => ({
  name: 'p',
  pattern: '.*',
  applyTo: 'all',
  priority: 0,
  definition: {},
  ...more,
})
const layout = new Layout(names, 'quorum')

function judged(more: Partial<PolicyFact>): string[] {
  const facts = healthy({ parts: [...layout.workQueue('work'), ...layout.outlet('clinic')] })
  facts.management.policies = [policy(more)]
  return codes(checkPolicies(facts))
}

const wait = '^dueque\\.v1\\.wait'
test.each<[string, object, string[]]>([
  [wait, { 'message-ttl': 1000 }, ['error policy-message-ttl']],
  ['wait\\.500ms$', { 'message-ttl': 1000 }, []],
  ['\\.to\\.', { 'message-ttl': 1000 }, []],
  ['^work$', { 'message-ttl': 1000 }, ['warning policy-message-ttl']],
  ['parked', { 'message-ttl': 1000 }, ['error policy-message-ttl']],
  [wait, { expires: 1000 }, ['error policy-expires']],
  [wait, { 'max-length': 9 }, ['error policy-max-length']],
  [wait, { 'max-length-bytes': 9 }, ['error policy-max-length-bytes']],
  ['^work$', { 'max-length': 9 }, []],
  ['unroutable', { 'delivery-limit': 9 }, ['warning policy-delivery-limit']],
  [wait, { 'delivery-limit': 9 }, []],
  [wait, { overflow: 'drop-head', 'dead-letter-exchange': 'x' }, []],
  [wait, { 'dead-letter-routing-key': 'x' }, ['error policy-dead-letter-routing-key']],
  ['^work$', { 'dead-letter-routing-key': 'x' }, []],
  ['entry', { 'alternate-exchange': 'x' }, ['error policy-alternate-exchange']],
  ['next', { 'alternate-exchange': 'x' }, []],
  ['wait', { 'federation-upstream-set': 'all' }, ['warning policy-federation-upstream-set']],
  ['^other', { 'message-ttl': 1 }, []],
  ['(?<', { 'message-ttl': 1 }, ['note policy-unreadable']],
])('a policy for %s with %j: %j', (pattern, definition, expected) => {
  expect(judged({ pattern, definition: definition as PolicyFact['definition'] })).toEqual(expected)
})

test('a policy for exchanges or for another type of queue does not count', () => {
  const definition = { 'message-ttl': 1 }
  expect(judged({ applyTo: 'exchanges', definition })).toEqual([])
  expect(judged({ applyTo: 'classic_queues', definition })).toEqual([])
  expect(judged({ applyTo: 'quorum_queues', pattern: wait, definition })).toHaveLength(1)
})

test('names policy, pattern, effect and queues, and a pattern that excludes them', () => {
  const facts = healthy()
  facts.management.operatorPolicies = [policy({ name: 'cap', pattern: '^dueque.*10m$', definition: { expires: 5 } })]
  const [found] = checkPolicies(facts)
  expect(found!.what).toBe(
    'operator policy cap (pattern ^dueque.*10m$) sets expires=5 on dueque.v1.wait.10m: deletes a queue that nobody consumes, with all that is in it',
  )
  const [, pattern] = /: '(.*)'$/.exec(found!.todo)!
  expect(found!.todo).toContain('rabbitmqctl clear_operator_policy -p / cap')
  expect(new RegExp(pattern!).test('dueque.v1.wait.10m')).toBe(false)
  expect(new RegExp(pattern!).test('dueque-other-10m')).toBe(true)
})

test('the policy with the highest priority applies; the smallest limit counts; arguments override other keys', () => {
  const queue = {
    kind: 'queue',
    name: 'q',
    type: 'quorum',
    arguments: { 'x-max-length': 5, 'x-overflow': 'reject-publish' },
  } as const
  const low = policy({ definition: { 'max-length': 1 } })
  const high = policy({ priority: 1, definition: { 'max-length': 4, overflow: 'drop-head' } })
  const operator = policy({ definition: { 'max-length': 3 } })
  expect(policyFor([low, high], queue)).toBe(high)
  expect(effective('max-length', queue, [low, high], [])).toBe(4)
  expect(effective('max-length', queue, [low, high], [operator])).toBe(3)
  expect(effective('overflow', queue, [high], [])).toBe('reject-publish')
  expect(effective('expires', queue, [high], [])).toBeUndefined()
})

test('the match of a catastrophic pattern is stopped and reported', () => {
  const facts = healthy({ parts: layout.workQueue('a'.repeat(40)) })
  facts.management.policies = [policy({ pattern: '^(a+)+$', definition: { 'message-ttl': 1000 } })]
  const startedAt = performance.now()
  expect(codes(checkPolicies(facts))).toEqual(['note policy-unreadable'])
  // Without a bound it takes hours.
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
