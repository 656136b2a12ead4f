import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { allEnded } from '../base/end-all.js'
import { errorText } from '../base/errors.js'
import type { Dueque } from '../dueque.js'
import { partsOf } from '../inner-parts.js'
import { operatorSettings } from '../operate/operator-settings.js'
import type { Recurring } from '../recurring/recurring.js'
import type { Job, StopJob } from './api.js'
import { checkDashboard, type DashboardOptions, type InnerOptions } from './dashboard-options.js'
import { RequestHandler } from './handler.js'
import { nodeHandler, type NodeHandler } from './http/node-adapter.js'
import { PageFiles } from './http/page-files.js'
import { Jobs } from './jobs/jobs.js'
import { Turns } from './jobs/turns.js'
import { FindingsLook } from './looks/findings.js'
import { Overviews } from './looks/overviews.js'
import { operatorOptions } from './operator-options.js'
import { failedChanges } from './routes/failed-change.js'
import { failedRoutes } from './routes/failed-routes.js'
import { liveRoutes } from './routes/live-routes.js'
import { recurringChanges, recurringRoutes } from './routes/recurring-routes.js'
import type { Asked, Routes } from './routes/route.js'
import { statusRoutes } from './routes/status-routes.js'
import { changeWaiting, type ChangeMethods } from './routes/waiting-change.js'
import { waitingRoutes } from './routes/waiting-routes.js'
import { WaitingSource } from './waiting-source.js'

/** A dashboard of one connection. Call it with a request of the web platform, or hand `node` to a framework over node:http. */
export interface Dashboard {
  (request: Request): Promise<Response>
  /** For node:http, Express, Koa, Fastify and Nest. Answers everything below the path where it is mounted. */
  readonly node: NodeHandler
  /** Ends the streams of events and stops the jobs. The connection stays open. Idempotent. */
  close(): Promise<void>
}

/**
 * A dashboard of the messages of a connection: pages, and the API that they use. It asks nothing of the broker while nobody looks,
 * and ends when the connection is closed. By default everybody who reaches it may look, and nobody may change anything or see
 * payloads.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * const board = dashboard(mq, { access: (request) => (isOperator(request) ? 'all' : 'none') })
 * app.use('/dueque', board.node) // Express
 * createServer(board.node).listen(8080, '127.0.0.1')
 */
export function dashboard(mq: Dueque, options: DashboardOptions = {}): Dashboard {
  checkDashboard(options)
  return newDashboard(mq, options)
}

/** Of options that were checked. */
export function newDashboard(mq: Dueque & Methods, options: InnerOptions): Dashboard {
  const inner = open(mq, options)
  const { parts, closing } = inner
  const handler: RequestHandler = new RequestHandler({
    ...{ parts, options, closing: closing.signal, files: new PageFiles() },
    reading: readingOf(inner, (asked) => handler.mayLook(asked)),
    writing: writingOf(inner),
  })
  let closed: Promise<void> | undefined
  const close = () => (closed ??= closeAll(inner))
  const closeNow = () =>
    void close().catch((error: unknown) =>
      parts.options.logger.debug('the end of a dashboard failed', { error: errorText(error) }),
    )
  if (parts.closing.aborted) closeNow()
  else parts.closing.addEventListener('abort', closeNow, { once: true })
  const answer = (request: Request, incoming?: IncomingMessage) => handler.answer(request, incoming)
  return Object.assign((request: Request) => answer(request), {
    node: nodeHandler(answer, parts.options.logger),
    close() {
      parts.closing.removeEventListener('abort', closeNow)
      return close()
    },
  })
}

type Methods = ChangeMethods & { readonly recurring?: Recurring }

/** What a dashboard is made of. */
type Inner = ReturnType<typeof open>

function open(mq: Dueque & Methods, options: InnerOptions) {
  const parts = partsOf(mq)
  const operator = operatorOptions(parts, options)
  const waiting = new WaitingSource(parts, operatorSettings(operator))
  const watch = { ...operator, metrics: options.metrics, probe: options.probe }
  const listeners = new Set<(job: Job) => void>()
  const jobs = new Jobs(parts.options.logger, (job) => {
    for (const listener of listeners) listener(job)
  })
  const closing = new AbortController()
  // Each stream of events listens to it.
  setMaxListeners(0, closing.signal)
  return {
    ...{ mq, parts, operator, waiting, listeners, jobs, closing },
    turns: new Turns(),
    overviews: new Overviews({ mq, parts, watch, waiting }),
    findings: new FindingsLook(parts, operator, options.checkStore),
  }
}

function readingOf(inner: Inner, mayLook: (asked: Asked) => Promise<boolean>): Routes {
  const { mq, parts, operator, waiting, turns, closing } = inner
  return {
    ...statusRoutes(inner),
    ...waitingRoutes(parts, waiting),
    ...failedRoutes(operator, turns),
    ...recurringRoutes(mq, parts),
    ...liveRoutes({ ...inner, closing: closing.signal, mayLook }),
  }
}

function writingOf({ mq, parts, operator, waiting, turns, jobs }: Inner): Routes {
  return {
    'waiting/change': { answer: (asked) => changeWaiting({ mq, parts, waiting, jobs }, asked) },
    'jobs/stop': { answer: ({ body, permissions }) => jobs.stop((body as Partial<StopJob>).id, permissions) },
    ...failedChanges(operator, turns, jobs),
    ...recurringChanges(mq),
  }
}

async function closeAll({ closing, jobs, overviews, findings, waiting }: Inner): Promise<void> {
  closing.abort()
  await allEnded([jobs.close(), overviews.close(), findings.close(), waiting.close()])
}
