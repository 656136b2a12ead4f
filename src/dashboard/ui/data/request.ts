import type { Failure } from '../../api.js'

/** The server refused, or did not answer (`status` 0). */
export class RequestFailed extends Error {
  readonly code: string
  readonly status: number
  readonly found: number | undefined

  constructor({ code, message, found }: Failure, status: number) {
    super(message)
    this.code = code
    this.status = status
    this.found = found
  }
}

/** Fields of a query. One that is undefined, null or empty is left out; of a list each value is one. */
export type Query = Readonly<Record<string, string | number | readonly string[] | null | undefined>>

export function queryText(query: Query): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string | number | null]) {
      if (one !== undefined && one !== null && one !== '') params.append(name, String(one))
    }
  }
  return params.toString()
}

/** Relative to the page, wherever it is mounted. */
export function apiUrl(path: string, query: Query = {}): string {
  const text = queryText(query)
  return `api/${path}${text && `?${text}`}`
}

/** @throws RequestFailed, or the reason of an aborted signal */
export function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  return send<T>(url, signal ? { signal } : {})
}

/** @throws RequestFailed */
export function postJson<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json', 'x-dueque': '1' }
  return send<T>(apiUrl(path), { method: 'POST', headers, body: JSON.stringify(body) })
}

async function send<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response
  let answer: unknown
  try {
    response = await fetch(url, init)
    answer = await jsonOf(response)
  } catch (error) {
    if (error instanceof RequestFailed || init.signal?.aborted) throw error
    const message = `The server of the dashboard did not answer: ${(error as Error).message}. Is it running?`
    throw new RequestFailed({ code: 'NO_ANSWER', message }, 0)
  }
  if (response.ok) return answer as T
  throw new RequestFailed(failureIn(answer, response.status), response.status)
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    const type = response.headers.get('content-type') ?? 'nothing'
    const message = `Expected JSON from the server of the dashboard, got ${type} (${response.status}). Your login may have ended: reload the page.`
    throw new RequestFailed({ code: 'NOT_JSON', message }, response.status)
  }
}

function failureIn(answer: unknown, status: number): Failure {
  const { code = `HTTP_${status}`, ...failure } = (answer ?? {}) as Partial<Failure>
  return { message: `The server of the dashboard answered ${status}.`, ...failure, code }
}
