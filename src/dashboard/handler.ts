import type { IncomingMessage } from 'node:http'
import { DuequeError, errorText } from '../base/errors.js'
import type { InnerParts } from '../inner-parts.js'
import { permissionsOf } from './access.js'
import type { Failure, Permission } from './api.js'
import type { InnerOptions } from './dashboard-options.js'
import { failureOf, isExpected, statusOf } from './http/failure-of.js'
import { jsonBody } from './http/json-body.js'
import type { PageFiles } from './http/page-files.js'
import { placeOf, slashOf, type Place } from './http/place-of.js'
import { notAllowed, notFound, Refused } from './http/refused.js'
import { hostGuard, readRefusal, writeRefusal } from './http/same-site.js'
import { SECURITY_HEADERS } from './http/security-headers.js'
import type { Asked, Route, Routes } from './routes/route.js'

interface HandlerSettings {
  readonly parts: InnerParts
  readonly options: InnerOptions
  /** The dashboard, or the connection, is closed. */
  readonly closing: AbortSignal
  readonly files: PageFiles
  readonly reading: Routes
  readonly writing: Routes
}

type Viewer = Pick<Asked, 'request' | 'incoming' | 'permissions'> & { readonly host: string }

/** Answers every request: who may look, from which site, and what. */
export class RequestHandler {
  readonly #settings: HandlerSettings
  readonly #isHost: (host: string) => boolean

  constructor(settings: HandlerSettings) {
    this.#settings = settings
    const { hosts } = settings.options
    this.#isHost = hosts ? hostGuard(hosts) : () => true
  }

  /** Never rejects. */
  async answer(request: Request, incoming: IncomingMessage | undefined): Promise<Response> {
    const { status, headers, body } = await this.#safely(request, incoming)
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.set(name, value)
    const isHead = request.method === 'HEAD'
    if (isHead) await body?.cancel()
    return new Response(isHead ? null : body, { status, headers })
  }

  async #safely(request: Request, incoming: IncomingMessage | undefined): Promise<Response> {
    try {
      return await this.#answer(request, incoming)
    } catch (error) {
      if (!isExpected(error))
        this.#settings.parts.options.logger.error('a request to the dashboard failed', { error: errorText(error) })
      return json(failureOf(error) satisfies Failure, statusOf(error))
    }
  }

  async #answer(request: Request, incoming: IncomingMessage | undefined): Promise<Response> {
    const { pathname, search, host } = new URL(request.url)
    const named = request.headers.get('host') ?? host
    if (!this.#isHost(named))
      throw notAllowed(`unknown host ${named}: if it is right, allow it (--allow-host NAME; option: hosts)`)
    const place = this.#known(placeOf(pathname), request, pathname)
    if (place.kind === 'slash')
      return new Response(null, { status: 307, headers: { location: place.location + search } })
    const permissions = await this.#permissions(request, incoming)
    if (!permissions) throw notAllowed('you may not look at this dashboard')
    const viewer = { request, incoming, host: named, permissions }
    if (place.kind === 'api') return this.#ofApi(place.route, viewer)
    if (!isReading(request)) throw new Refused(405, 'BAD_REQUEST', 'expected GET')
    return place.kind === 'page' ? this.#settings.files.page(request) : this.#settings.files.file(place.name, request)
  }

  /** Whether the viewer of this request may still look. */
  async mayLook({ request, incoming }: Pick<Asked, 'request' | 'incoming'>): Promise<boolean> {
    return (await this.#permissions(request, incoming)) !== undefined
  }

  /** What a viewer may see and do. Undefined for nobody. */
  async #permissions(
    request: Request,
    incoming: IncomingMessage | undefined,
  ): Promise<ReadonlySet<Permission> | undefined> {
    const { access = 'read' } = this.#settings.options
    if (typeof access !== 'function') return permissionsOf(access)
    try {
      return permissionsOf(await access(request, incoming))
    } catch (error) {
      this.#settings.parts.options.logger.error('the access to the dashboard is not known', { error: errorText(error) })
      throw new Refused(500, 'NOT_ALLOWED', 'the dashboard could not tell what you may see: see the log of its server')
    }
  }

  /** A dashboard at a path such as `/api/dueque` is a page as well. */
  #known(place: Place, { headers, method }: Request, path: string): Place {
    if (place.kind !== 'api' || this.#isRoute(place.route)) return place
    const isPage = method === 'GET' && headers.get('accept')?.includes('text/html')
    return isPage ? slashOf(path) : place
  }

  #isRoute(route: string): boolean {
    return Object.hasOwn(this.#settings.reading, route) || Object.hasOwn(this.#settings.writing, route)
  }

  async #ofApi(route: string, { host, ...viewer }: Viewer): Promise<Response> {
    if (!this.#isRoute(route)) throw notFound('there is no such route')
    const { request, permissions } = viewer
    const { reading, writing, closing } = this.#settings
    const isWriting = request.method === 'POST'
    const routes = isWriting ? writing : reading
    if ((!isWriting && !isReading(request)) || !Object.hasOwn(routes, route))
      throw new Refused(405, 'BAD_REQUEST', `expected ${Object.hasOwn(reading, route) ? 'GET' : 'POST'}`)
    const refusal = isWriting ? writeRefusal(request.headers, host) : readRefusal(request.headers)
    if (refusal !== undefined) throw notAllowed(refusal)
    const asked: Route = routes[route]!
    if (asked.needs && !permissions.has(asked.needs)) throw notAllowed(`you may not do this (${asked.needs})`)
    if (closing.aborted) throw new DuequeError('CLOSED', 'dueque is closed', {})
    const body = isWriting ? await jsonBody(request) : {}
    const { searchParams: query } = new URL(request.url)
    const answer = await asked.answer({ ...viewer, query, body })
    return answer instanceof Response ? answer : json(answer, 200)
  }
}

function isReading({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD'
}

function json(value: unknown, status: number): Response {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
  return new Response(JSON.stringify(value), { status, headers })
}
