import { exchange, type Part } from '../../amqp/topology/part.js'
import { finding, type Finding } from '../../base/finding.js'
import {
  cancellationLayout,
  journalLayout,
  recurringLayout,
  type LogKind,
  type LogLayout,
} from '../../log/log-layout.js'
import { judgePart, type Verdict } from '../topology/judge-part.js'
import { checkReplicas } from './replicas.js'
import type { Facts } from './facts.js'
import { checkTrimmed } from './trimmed.js'

const AS = 'as a user who may configure it'
const APPLY: Readonly<Record<LogKind, string>> = {
  cancellations: `dueque topology apply, ${AS}`,
  journal: `dueque topology apply --journal, ${AS}`,
  recurring: `dueque topology apply --recurring, ${AS}`,
}

/** The streams of cancellations: whether they are there, as dueque declares them, and can be read on every node. */
export function checkStreams(facts: Facts): Finding[] {
  return facts.hasStreams ? checkLog(cancellationLayout(facts.names), facts, noCancellations) : []
}

/** The same of the journal, which is there only where a program keeps one. */
export function checkJournal(facts: Facts): Finding[] {
  return checkLog(journalLayout(facts.names), facts, noJournal)
}

/** @param absent the finding where nothing of the log is there */
export function checkLog(log: LogLayout, facts: Facts, absent: (facts: Facts) => Finding): Finding[] {
  const parts = log.parts()
  const verdicts = parts.map((part) => judgePart(part, facts))
  const known = verdicts.filter((verdict) => verdict !== 'unknown')
  if (known.length === 0 || isNew(facts)) return []
  if (!isThere(log, facts)) return [absent(facts)]
  const findings = [
    ...parts.flatMap((part, i) => describe(log.kind, part, verdicts[i]!)),
    ...checkReplicas(log, facts),
    ...checkTrimmed(log, facts),
  ]
  return findings.length > 0 ? findings : [finding('ok', log.kind, LOGS[log.kind].ok)]
}

/** Whether nothing is declared in the namespace, which is a finding of its own. */
function isNew(facts: Facts): boolean {
  return judgePart(exchange(facts.names.deliver, 'direct'), facts) === 'missing'
}

/** Whether streams of cancellations are there, as far as that is known. */
export function hasStreams(facts: Facts): boolean {
  return isThere(cancellationLayout(facts.names), facts)
}

/** Whether there is a journal, or is to be one. */
export function hasJournal(facts: Facts): boolean {
  return facts.journal || isThere(journalLayout(facts.names), facts)
}

/** Whether there are recurring messages, or are to be some. */
export function hasRecurring(facts: Facts): boolean {
  return facts.recurring || isThere(recurringLayout(facts.names), facts)
}

function isThere(log: LogLayout, facts: Facts): boolean {
  const things = log.parts().filter(({ kind }) => kind !== 'binding')
  return things.some((part) => !['missing', 'unknown'].includes(String(judgePart(part, facts))))
}

function noCancellations({ names, topology, queues }: Facts): Finding {
  const what = `there are no streams of cancellations in namespace ${names.prefix}: nothing was ever cancelled there`
  if (topology !== 'trust')
    return finding('note', 'streams-new', what, 'nothing: the first consumer or cancellation declares them')
  const fails = `${what}, and with topology trust a consumer does not start`
  if (queues.length === 0) return finding('note', 'streams-new', what, APPLY.cancellations)
  return finding('error', 'streams-missing', fails, `${APPLY.cancellations}; or consume with cancellations: 'off'`)
}

function noJournal({ names, topology, journal }: Facts): Finding {
  const what = `there is no journal in namespace ${names.prefix}: its waiting messages cannot be listed`
  if (!journal) return finding('note', 'journal-none', what, 'nothing; to list them, ladder({ journal: true })')
  if (topology !== 'trust')
    return finding('note', 'journal-none', what, 'nothing: the first program with a journal declares it')
  return finding(
    'error',
    'journal-missing',
    `${what}, and with topology trust schedules with a journal fail`,
    APPLY.journal,
  )
}

/** The effect of a faulty stream, and of its deletion. */
const LOGS: Readonly<Record<LogKind, { ok: string; unbound: string; redo: string }>> = {
  cancellations: {
    ok: 'the streams of cancellations are there',
    unbound: 'cancellations fail',
    redo: `let nothing cancel or consume, delete it (its cancellations are lost), and ${APPLY.cancellations}`,
  },
  journal: {
    ok: 'the journal is there',
    unbound: 'schedules with a journal fail',
    redo: `stop the programs with a journal, delete it (messages that wait are not listed any more), and ${APPLY.journal}`,
  },
  recurring: {
    ok: 'the stream of definitions of recurring messages is there',
    unbound: 'changes of recurring messages fail',
    redo: `delete it while a ticker runs, which writes again the definitions that it knows within an hour, and ${APPLY.recurring}`,
  },
}

function describe(log: LogKind, part: Part, verdict: Verdict): Finding[] {
  if (verdict === 'ok' || verdict === 'unknown') return []
  const { unbound, redo } = LOGS[log]
  const apply = APPLY[log]
  if (part.kind === 'binding') {
    const what = `stream ${part.name} is not bound to exchange ${part.from} with key "${part.key}": ${unbound}`
    return [finding('error', 'binding-missing', what, apply)]
  }
  const what = part.kind === 'queue' ? `stream ${part.name}` : `exchange ${part.name}`
  if (verdict === 'missing') return [finding('error', `${part.kind}-missing`, `${what} is missing`, apply)]
  return [finding('error', 'arguments-differ', `${what} is not as dueque declares it: ${verdict.join('; ')}`, redo)]
}
