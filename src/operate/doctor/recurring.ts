import { counted } from '../../base/counted.js'
import { Layout } from '../../amqp/topology/layout.js'
import { finding, type Finding } from '../../base/finding.js'
import { recurringLayout } from '../../log/log-layout.js'
import { tickParts, tickQueue } from '../../recurring/recurring-layout.js'
import { judgePart } from '../topology/judge-part.js'
import type { Facts } from './facts.js'
import { checkLog, hasRecurring } from './streams.js'

const APPLY = 'dueque topology apply --recurring, as a user who may configure it'

/** Recurring messages: their definitions, the queue of their ticks, and whether somebody sends them. */
export function checkRecurring(facts: Facts): Finding[] {
  if (!hasRecurring(facts)) return []
  const log = checkLog(recurringLayout(facts.names), facts, noRecurring)
  return [...log, ...checkTickQueue(facts), ...checkDefinitions(facts), ...checkTicker(facts)]
}

/** For a user who is to have some. */
function noRecurring({ names, topology }: Facts): Finding {
  const what = `there are no recurring messages in namespace ${names.prefix}, beside those that a store keeps`
  if (topology !== 'trust') return finding('note', 'recurring-none', what, 'nothing: mq.recurring.set declares them')
  return finding('error', 'recurring-missing', `${what}, and with topology trust mq.recurring.set fails`, APPLY)
}

/** It is missing until the first recurring message is set. */
function checkTickQueue(facts: Facts): Finding[] {
  const { names, queueType, recurringState } = facts
  return tickParts(new Layout(names, queueType)).flatMap((part) => {
    const verdict = judgePart(part, facts)
    if (Array.isArray(verdict)) {
      const what = `queue ${part.name} is not as dueque declares it: ${verdict.join('; ')}`
      const todo = 'one queueType for all programs of a namespace; delete it, and the tickers send its ticks again'
      return [finding('error', 'arguments-differ', what, todo)]
    }
    if (verdict !== 'missing' || !recurringState?.definitions) return []
    const what =
      part.kind === 'binding'
        ? `queue ${part.name} is not bound to exchange ${part.from}`
        : `queue ${part.name} is missing`
    const code = part.kind === 'binding' ? 'binding-missing' : 'queue-missing'
    return [finding('error', code, `${what}: recurring messages are not sent`, APPLY)]
  })
}

function checkDefinitions({ recurringState }: Facts): Finding[] {
  const { definitions = null, unreadable = 0, unread } = recurringState ?? {}
  if (unread !== undefined) {
    const what = `the definitions of recurring messages could not be read: ${unread}`
    return [finding('note', 'definitions-unread', what, 'look as a user who may read them, and see the other findings')]
  }
  if (unreadable > 0) {
    const what = `${counted(unreadable, 'definition of a recurring message has', 'definitions of recurring messages have')} a form that this version does not know: skipped`
    return [finding('warning', 'definitions-unreadable', what, 'run the version that wrote them, or set them again')]
  }
  return definitions
    ? [
        finding(
          'ok',
          'definitions',
          `${counted(definitions, 'recurring message is', 'recurring messages are')} defined`,
        ),
      ]
    : []
}

function checkTicker({ names, recurringState }: Facts): Finding[] {
  const { definitions, tickers = null } = recurringState ?? {}
  if (tickers === null) return []
  const queue = tickQueue(names)
  if (tickers > 0)
    return [finding('ok', 'ticker', `consumers of ${queue}: ${tickers}, of which one sends recurring messages`)]
  if (!definitions) return []
  const what = `nobody consumes ${queue}: ${definitions} recurring messages are not sent`
  const todo = 'run a program that consumes without recurring: false, or dueque ticker'
  return [finding('error', 'ticker-missing', what, todo)]
}
