import { setTimeout as pause } from 'node:timers/promises'
import type { Names } from '../../amqp/topology/names.js'
import { aFunction, anAbortSignal, flag, integer, milliseconds, texts } from '../../base/checks.js'
import { worst, type Finding, type Severity } from '../../base/finding.js'
import { managementApis, NOT_ASKED } from '../management/api.js'
import { operatorSettings, type OperatorOptions, type OperatorSettings } from '../operator-settings.js'
import { amqpFacts } from './amqp-facts.js'
import { examine, inArea, type AreaFinding } from './checks.js'
import type { Look, ManagementFacts } from './facts.js'
import { mayBeJammed } from './jams.js'
import { lookAtQueues, managementFacts, nothingKnown } from './management-facts.js'
import { judgeTrip, roundTrip, tripLeftOut } from './round-trip.js'

export interface DiagnoseOptions extends OperatorOptions {
  /** Work queues that the user is to consume, whose permissions are checked too. @default none */
  queues?: readonly string[] | undefined
  /** Queues that each rung should have. @default 1 */
  shards?: number | undefined
  /**
   * Looks at the streams of cancellations too. Without them every consumer needs `cancellations: 'off'`.
   * @default true
   */
  cancellationStreams?: boolean | undefined
  /** The user is to write a journal of waiting messages: without one, with `topology: 'trust'`, it is an error. @default false */
  journal?: boolean | undefined
  /** The user is to change recurring messages, and to send them if it consumes: checks its permissions too. @default false */
  recurring?: boolean | undefined
  /** How long messages that seem to hang are watched. @default 6000 */
  patienceMs?: number | undefined
  /** Sends a message with a delay of 1 s, and declares what any schedule declares. @default true */
  roundTrip?: boolean | undefined
  /** Ends the watching and the round trip. */
  signal?: AbortSignal | undefined
  /** Checks the store in which messages wait, if there is one. */
  checkStore?: (() => Promise<readonly Finding[]>) | undefined
}

export interface Diagnosis {
  namespace: string
  vhost: string
  /** The worst of the findings. */
  severity: Severity
  findings: AreaFinding[]
}

/** Apart enough for RabbitMQ to have counted again (every 5 s). */
const LOOK_EVERY_MS = 6000

/**
 * Looks at the broker, this user's permissions, policies, the layout, destinations, and messages that hang, and says what to
 * do. Only the round trip changes anything.
 *
 * @throws DuequeError as `connect` does; a management API that does not answer is a finding
 * @example
 * const { severity, findings } = await diagnose({ url: 'amqp://localhost', queues: ['reminders'] })
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const settings = operatorSettings(options, {
    queues: texts,
    shards: integer(1, 64),
    cancellationStreams: flag,
    journal: flag,
    recurring: flag,
    patienceMs: milliseconds,
    roundTrip: flag,
    signal: anAbortSignal,
    checkStore: aFunction,
  })
  const { namespace, vhost } = settings
  const findings = [
    ...examine(await factsOf(settings, options)),
    ...inArea('store', (await options.checkStore?.()) ?? []),
    ...inArea('round trip', await tripOf(settings, options)),
  ]
  return { namespace, vhost, severity: worst(findings), findings }
}

async function factsOf(settings: OperatorSettings, options: DiagnoseOptions) {
  const { names, vhost, queueType, topology, endpoints } = settings
  const { queues = [], shards = 1, patienceMs = 6000, signal } = options
  const { cancellationStreams: hasStreams = true, journal = false, recurring = false } = options
  const use = { queues, topology, hasStreams, journal, recurring }
  const known = await amqpFacts(settings, names, use)
  const management = await collectFrom(settings, { patienceMs, signal })
  return { names, queueType, shards, ...use, vhost, user: endpoints[0]!.user, ...known, management }
}

interface Patience {
  patienceMs: number
  signal: AbortSignal | undefined
}

/** From the first management API that answers. */
async function collectFrom(settings: OperatorSettings, patience: Patience): Promise<ManagementFacts> {
  if (settings.management === false) return nothingKnown(NOT_ASKED)
  const { endpoints, names } = settings
  let facts = nothingKnown('none')
  for (const [i, api] of managementApis(settings, endpoints).entries()) {
    const { vhost } = endpoints[i] ?? endpoints[0]!
    facts = await managementFacts(api, vhost, names)
    if (!facts.overview) continue
    await watch(facts, patience, () => lookAtQueues(api, vhost), names)
    break
  }
  return facts
}

/** Looks at the queues again and again, if messages may hang in them. */
async function watch(
  { looks }: ManagementFacts,
  { patienceMs, signal }: Patience,
  look: () => Promise<Look>,
  names: Names,
): Promise<void> {
  const [first] = looks ?? []
  if (!looks || !first || !mayBeJammed(first, { names })) return
  const until = first.at + patienceMs
  while (performance.now() < until && !signal?.aborted) {
    const ms = Math.min(LOOK_EVERY_MS, until - performance.now())
    // An abort ends the pause, and then the loop.
    await pause(ms, undefined, { signal }).catch(() => undefined)
    looks.push(await look())
  }
}

async function tripOf(settings: OperatorSettings, options: DiagnoseOptions): Promise<Finding[]> {
  if (options.roundTrip === false) return []
  if (settings.topology === 'trust') return [tripLeftOut()]
  if (options.signal?.aborted) return [judgeTrip({ arrived: false, why: 'interrupted' })]
  return [judgeTrip(await roundTrip(settings, options.signal ?? new AbortController().signal))]
}
