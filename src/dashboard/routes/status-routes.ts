import { AmqpBroker } from '../../amqp/amqp-broker.js'
import { packageVersion } from '../../base/package-version.js'
import type { InnerParts } from '../../inner-parts.js'
import { allRungs } from '../../strategies/ladder/rungs.js'
import type { CountReport } from '../../operate/status-report.js'
import type { About, LadderView, Permission } from '../api.js'
import type { FindingsLook } from '../looks/findings.js'
import type { Overviews } from '../looks/overviews.js'
import type { WaitingSource } from '../waiting-source.js'
import type { Asked, Routes } from './route.js'
import { isMovable, type ChangeMethods } from './waiting-change.js'

interface StatusParts {
  readonly mq: ChangeMethods & { readonly recurring?: unknown }
  readonly parts: InnerParts
  readonly waiting: WaitingSource
  readonly overviews: Overviews
  readonly findings: FindingsLook
}

/** Of the connection as a whole. */
export function statusRoutes(own: StatusParts): Routes {
  return {
    about: { answer: (asked) => aboutOf(own, asked) },
    overview: { answer: () => own.overviews.current() },
    findings: { answer: () => own.findings.ask() },
    ladder: { answer: async () => ladderOf(await own.overviews.report()) },
  }
}

async function aboutOf({ mq, parts, waiting }: StatusParts, { permissions }: Asked): Promise<About> {
  const { strategy, namespace, clock } = parts.options
  const hasBroker = parts.broker instanceof AmqpBroker
  /** What the connection cannot do, nobody may. */
  const isPossible: Readonly<Partial<Record<Permission, boolean>>> = {
    cancel: mq.cancel !== undefined,
    reschedule: mq.reschedule !== undefined && isMovable(parts),
    recurring: mq.recurring !== undefined,
    redrive: hasBroker,
    purge: hasBroker,
  }
  return {
    version: packageVersion(),
    namespace,
    strategy: strategy.name,
    waiting: await waiting.about(),
    recurring: mq.recurring !== undefined,
    broker: hasBroker,
    ladder: hasBroker,
    permissions: [...permissions].filter((permission) => isPossible[permission] ?? true),
    now: new Date(clock.now()).toISOString(),
  }
}

function ladderOf({ waiting, outlets }: CountReport): LadderView {
  const ttls = new Map(allRungs().map(({ name, ttlMs }) => [name, ttlMs]))
  return {
    rungs: waiting.rungs.map(({ rung, messages, backedUp }) => ({
      ...{ rung, ttlMs: ttls.get(rung)!, messages, backedUp },
    })),
    outlets: outlets.map((outlet) => ({
      target: 'target' in outlet ? `queue:${outlet.target}` : `exchange:${outlet.exchange}`,
      messages: outlet.messages,
    })),
  }
}
