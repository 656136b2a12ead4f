import { describe, expect, test } from 'vitest'
import { isDuequeError } from '../../../../src/index.js'
import { assertVersion, checkServer, factsOf, type ServerFacts } from '../../../../src/strategies/redis/server-check.js'
import { thrown } from '../../thrown.js'

const good: ServerFacts = {
  product: 'Redis',
  version: '7.0.15',
  maxMemory: 1e9,
  policy: 'noeviction',
  appendOnly: true,
  appendFsync: 'everysec',
}

const told = (facts: Partial<ServerFacts>) =>
  checkServer({ ...good, ...facts })
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, code, what }) => `${severity} ${code}: ${what}`)

describe('a server is judged by its INFO', () => {
  test.each([
    [{}, []],
    [{ appendFsync: 'always' }, []],
    [{ appendFsync: undefined }, []],
    [{ version: '6.2.0' }, []],
    [{ version: '6.0.16' }, ['error redis-version: Redis 6.0.16 is too old']],
    [{ version: undefined }, ['note redis-version-unseen: cannot see which version this is']],
    [
      { appendOnly: false },
      [
        'warning redis-persistence: appendonly is no: a crash or a restart loses what was confirmed since the last snapshot',
      ],
    ],
    [
      { appendFsync: 'no' },
      [
        'warning redis-persistence: appendonly is yes, appendfsync is no: a crash of the machine loses what was confirmed in the last half minute, or more',
      ],
    ],
    [
      { policy: 'allkeys-lru' },
      ['error redis-eviction: maxmemory-policy is allkeys-lru: a full Redis deletes everything that waits'],
    ],
    [
      { policy: 'allkeys-lru', maxMemory: 0 },
      [
        'error redis-eviction: maxmemory-policy is allkeys-lru: a full Redis deletes everything that waits, once maxmemory is set',
      ],
    ],
    [
      { policy: 'volatile-ttl' },
      ["warning redis-eviction: maxmemory-policy is volatile-ttl: dueque's keys stay, as they do not expire"],
    ],
    [
      { policy: undefined, appendOnly: undefined },
      [
        'note redis-memory-unseen: cannot see what Redis does when its memory is full',
        'note redis-persistence-unseen: cannot see how Redis keeps what it confirmed',
      ],
    ],
  ])('%j', (facts, findings) => {
    expect(told(facts)).toEqual(findings)
  })
})

test('INFO of Redis and Valkey is read, and skipped if it is forbidden', () => {
  const info = 'redis_version:7.0.15\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n'
  const { appendFsync: _, ...rest } = good
  expect(factsOf(info)).toEqual({ ...rest, maxMemory: 100, appendOnly: false })
  expect(factsOf(`${info}valkey_version:8.1.0\r\n`)).toMatchObject({ product: 'Valkey', version: '8.1.0' })
  expect(factsOf('')).toEqual({ product: 'Redis' })
})

test('an old server is refused', () => {
  expect(() => assertVersion(good)).not.toThrow()
  const error = thrown(() => assertVersion({ ...good, version: '5.0.7' }))
  expect(isDuequeError(error, 'STORE_NOT_READY')).toBe(true)
})
