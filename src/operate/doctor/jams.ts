import { counted } from '../../base/counted.js'
import { roleReader } from '../queue-roles.js'
import type { Facts, Look } from './facts.js'
import type { QueueFact } from '../management/resources.js'
import { finding, type Finding } from '../../base/finding.js'
import { some } from './texts.js'

/** From which on a held message is certainly stuck: a confirm takes milliseconds. */
const CERTAIN_MS = 60_000

/**
 * Wait queues and outlets whose messages their target does not take. Messages that are not ready there are with the
 * dead-letter worker. A busy queue has such messages too, so a jam is: some at every look, and never fewer than before.
 *
 * @param causes findings of the other checks that would explain it
 */
export function checkJams({ names, management: { looks = [] } }: Facts, causes: readonly string[]): Finding[] {
  if (looks.length === 0) return []
  const queues = waiting(looks[0]!, names)
  const stuck = queues.filter(({ name }) => isStuck(name, looks))
  const seconds = Math.round((looks.at(-1)!.at - looks[0]!.at) / 1000)
  if (stuck.length === 0) {
    const busy = queues.some(({ name }) => held(looks[0]!, name) > 0)
    return [
      finding('ok', 'jams', `nothing hangs in wait queues and outlets${busy ? ` (watched for ${seconds} s)` : ''}`),
    ]
  }
  const certain = seconds * 1000 >= CERTAIN_MS
  const because = causes.length > 0 ? `probably because ${causes.join('; or ')}` : 'their target does not take them'
  return stuck.map(({ name }) => {
    const what = `${name} holds ${counted(held(looks.at(-1)!, name), 'message that was', 'messages that were')} not handed over for ${seconds} s: ${because}`
    if (certain) return finding('error', 'jam', what, mend(causes))
    return finding(
      'warning',
      'jam',
      `${what}, or the queue is very busy`,
      `dueque doctor --patience 60s to be sure; ${mend(causes)}`,
    )
  })
}

/** Whether messages may hang, so that a second look is needed. */
export function mayBeJammed(look: Look, { names }: Pick<Facts, 'names'>): boolean {
  return waiting(look, names).some(({ name }) => held(look, name) > 0)
}

function waiting({ queues }: Look, names: Facts['names']): QueueFact[] {
  const roleOf = roleReader(names)
  return [...queues.values()].filter(({ name }) => ['rung', 'outlet'].includes(roleOf(name)?.kind ?? ''))
}

function isStuck(name: string, looks: readonly Look[]): boolean {
  if (looks.length < 2) return false
  return looks.every((look, i) => held(look, name) > 0 && (i === 0 || held(look, name) >= held(looks[i - 1]!, name)))
}

function held({ queues }: Look, name: string): number {
  const { messages = 0, ready = 0 } = queues.get(name) ?? {}
  return messages - ready
}

function mend(causes: readonly string[]): string {
  return causes.length > 0
    ? 'mend that, and they go on by themselves'
    : 'look for a full queue with reject-publish, or an exchange without a binding, among the destinations'
}

const HANDING_OVER = ['queue-full', 'exchange-unbound', 'destination-missing', 'exchange-missing', 'policy-max-length']

/** The findings that keep messages from being handed over. */
export function causesAmong(findings: readonly Finding[], codes: readonly string[] = HANDING_OVER): string[] {
  const causes = findings.filter(({ code }) => codes.includes(code)).map(({ what }) => what.split(':')[0]!)
  return causes.length > 3 ? [some(causes)] : causes
}
