import type { IncomingMessage } from 'node:http'
import type { Permission } from '../api.js'

/** For so long the end of a job is waited for: a small one is over then. */
export const JOB_WAIT_MS = 1000

/** A request to the API that may be answered. */
export interface Asked {
  readonly query: URLSearchParams
  readonly permissions: ReadonlySet<Permission>
  /** Of a POST. */
  readonly body: Readonly<Record<string, unknown>>
  readonly request: Request
  /** The request of node:http that it came with. */
  readonly incoming: IncomingMessage | undefined
}

export interface Route {
  /** Without one, those who may look may ask. */
  readonly needs?: Permission | undefined
  /** The JSON of the answer, or the whole answer. @throws Refused, DuequeError */
  readonly answer: (asked: Asked) => unknown
}

/** Routes by their path below `api/`. */
export type Routes = Readonly<Record<string, Route>>
