import { inject } from 'vitest'
import type { ServiceName } from './services-setup.js'

/** Time to find a service, which may include its installation. */
export const FIND_TIMEOUT_MS = 600_000

/** URL of the shared Redis or PostgreSQL, which is started on first use. Fails with a list of choices. */
export async function serviceUrl(name: ServiceName): Promise<string> {
  const answer = await fetch(`${inject('services')}/${name}`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}
