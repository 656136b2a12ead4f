import { badRequest, Refused } from './refused.js'

const MOST_BYTES = 1024 * 1024
/** Of a body that is too large, so much is read and forgotten: a client that still sends would not see the answer. */
const MOST_READ_BYTES = 16 * MOST_BYTES

/**
 * The JSON object in the body of a request.
 *
 * @throws Refused 400, and 413 beyond 1 MiB
 */
export async function jsonBody(request: Request): Promise<Record<string, unknown>> {
  const text = await textOf(request)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw badRequest('the body: expected JSON')
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw badRequest('the body: expected a JSON object')
}

async function textOf({ body }: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes <= MOST_BYTES) chunks.push(chunk)
    // Leaving the loop cancels the body, and a connection with it.
    if (bytes > MOST_READ_BYTES) break
  }
  if (bytes > MOST_BYTES) throw new Refused(413, 'BAD_REQUEST', `the body: expected ${MOST_BYTES} bytes at most`)
  return Buffer.concat(chunks).toString()
}
