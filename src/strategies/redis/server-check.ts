import { isOlder, parseVersion } from '../../base/version.js'
import { DuequeError } from '../../base/errors.js'
import { finding, type Finding } from '../../base/finding.js'
import { STORE } from './failures.js'

/** What a server tells of itself. Missing where it may not be asked. */
export interface ServerFacts {
  version?: string | undefined
  /** `Redis` or `Valkey`. */
  product: string
  /** Bytes; 0 for no limit. */
  maxMemory?: number | undefined
  policy?: string | undefined
  appendOnly?: boolean | undefined
  /** Only by CONFIG GET: INFO does not tell. */
  appendFsync?: string | undefined
}

/** From the lines of INFO. */
export function factsOf(info: string): ServerFacts {
  const fields = new Map([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]))
  const number = (name: string) => (fields.has(name) ? Number(fields.get(name)) : undefined)
  const valkey = fields.get('valkey_version')
  return {
    product: valkey === undefined ? 'Redis' : 'Valkey',
    version: valkey ?? fields.get('redis_version'),
    maxMemory: number('maxmemory'),
    policy: fields.get('maxmemory_policy'),
    appendOnly: fields.has('aof_enabled') ? fields.get('aof_enabled') === '1' : undefined,
  }
}

/** @throws DuequeError `STORE_NOT_READY` */
export function assertVersion(facts: ServerFacts): void {
  const { severity, what, todo } = checkVersion(facts)
  if (severity === 'error') throw new DuequeError('STORE_NOT_READY', `${what}: ${todo}`, { store: STORE })
}

/** What the settings of a server mean for the messages that wait there. */
export function checkServer(facts: ServerFacts): Finding[] {
  return [checkVersion(facts), checkPolicy(facts), checkPersistence(facts)]
}

function checkVersion({ product, version }: ServerFacts): Finding {
  if (version === undefined)
    return finding('note', 'redis-version-unseen', 'cannot see which version this is', 'use 6.2 or later')
  if (!isOlder(parseVersion(version) ?? [0, 0, 0], [6, 2, 0]))
    return finding('ok', 'redis-version', `${product} ${version}`)
  return finding('error', 'redis-version', `${product} ${version} is too old`, 'use 6.2 or later')
}

function checkPolicy({ policy, maxMemory }: ServerFacts): Finding {
  if (policy === undefined)
    return finding(
      'note',
      'redis-memory-unseen',
      'cannot see what Redis does when its memory is full',
      'use noeviction',
    )
  const what = `maxmemory-policy is ${policy}`
  if (policy === 'noeviction')
    return finding('ok', 'redis-eviction', `${what}: a full Redis refuses, and deletes nothing`)
  const todo = 'CONFIG SET maxmemory-policy noeviction, and in redis.conf'
  // Those that take keys with a time to live only: none of ours has one.
  if (policy.startsWith('volatile-'))
    return finding('warning', 'redis-eviction', `${what}: dueque's keys stay, as they do not expire`, todo)
  const when = maxMemory === 0 ? ', once maxmemory is set' : ''
  return finding('error', 'redis-eviction', `${what}: a full Redis deletes everything that waits${when}`, todo)
}

function checkPersistence({ appendOnly, appendFsync }: ServerFacts): Finding {
  if (appendOnly === undefined)
    return finding(
      'note',
      'redis-persistence-unseen',
      'cannot see how Redis keeps what it confirmed',
      'use appendonly yes',
    )
  if (!appendOnly) {
    const what = 'appendonly is no: a crash or a restart loses what was confirmed since the last snapshot'
    return finding('warning', 'redis-persistence', what, 'CONFIG SET appendonly yes, and in redis.conf')
  }
  const loss = {
    always: 'a crash loses nothing that was confirmed',
    everysec: 'a crash loses up to a second or two of what was confirmed (always: nothing, and slower)',
    no: 'a crash of the machine loses what was confirmed in the last half minute, or more',
  }[appendFsync ?? '']
  if (loss === undefined)
    return finding(
      'ok',
      'redis-persistence',
      'appendonly is yes; cannot see appendfsync (everysec: up to a second or two)',
    )
  const what = `appendonly is yes, appendfsync is ${appendFsync!}: ${loss}`
  return appendFsync === 'no'
    ? finding('warning', 'redis-persistence', what, 'CONFIG SET appendfsync everysec, and in redis.conf')
    : finding('ok', 'redis-persistence', what)
}
