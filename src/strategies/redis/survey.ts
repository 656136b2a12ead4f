import { counted } from '../../base/counted.js'
import { checkOne } from '../../base/checks.js'
import { finding, type Finding } from '../../base/finding.js'
import { silent } from '../../base/logger.js'
import { storedNumber } from '../store/stored-number.js'
import { aPrefix } from './redis-rules.js'
import type { RedisClient } from './clients/client.js'
import { portOf } from './clients/port-of.js'
import { STORE } from './failures.js'
import { keysOf } from './keys-of.js'
import { RedisStore } from './redis-store.js'
import { ScriptRunner } from './script-runner.js'
import { CENSUS } from './scripts/server-scripts.js'

const LOOKS = 1000

/** How the entries of waiting messages fit together. */
export interface RedisSurvey {
  /** In `waiting` and `claimed`. */
  readonly entries: number
  /** In `messages`. */
  readonly values: number
  /** Among the first thousand that wait. */
  readonly unreadable: number
}

/** Looks, and changes nothing. @throws DuequeError `STORE_ERROR`, `STORE_NOT_READY` */
export async function surveyRedis(client: RedisClient, prefix = 'dueque', timeoutMs = 10_000): Promise<RedisSurvey> {
  checkOne('prefix', aPrefix, prefix)
  const port = portOf(client)
  const counts = (await new ScriptRunner(port, { keys: keysOf(prefix), timeoutMs }).run(CENSUS, [])) as unknown[]
  const [waiting = 0, claimed = 0, values = 0] = counts.map((count) => storedNumber(count, STORE))
  const store = new RedisStore({ port, prefix, timeoutMs })
  await store.open({ logger: silent, onError: () => undefined })
  await store.list({ withTicks: true }, { limit: LOOKS })
  const { unreadable } = store.faults()
  await store.close()
  return { entries: waiting + claimed, values, unreadable }
}

export function checkSurvey({ entries, values, unreadable }: RedisSurvey, prefix = 'dueque'): Finding[] {
  const findings: Finding[] = []
  const key = (name: string) => `{${prefix}}:${name}`
  if (values < entries) {
    const what = `${counted(entries - values, 'entry', 'entries')} of ${key('waiting')} and ${key('claimed')} without a message in ${key('messages')}, which is lost`
    findings.push(
      finding(
        'error',
        'redis-missing',
        what,
        'look for clients that delete keys, maxmemory-policy, and the last failover',
      ),
    )
  }
  if (values > entries) {
    const what = `${counted(values - entries, 'message')} of ${key('messages')} neither in ${key('waiting')} nor in ${key('claimed')}: nobody delivers them`
    const todo =
      'look for clients that delete keys, maxmemory-policy, and the last failover; a few are left by a full Redis'
    findings.push(finding('warning', 'redis-orphans', what, todo))
  }
  if (unreadable > 0) {
    const what = `${unreadable} of the first ${LOOKS} messages that wait cannot be read by this version: relays leave them`
    const todo = `if a later version wrote them, run that version; otherwise delete them from ${key('waiting')}`
    findings.push(finding('warning', 'redis-unreadable', what, todo))
  }
  return findings
}
