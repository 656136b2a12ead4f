import { inject } from 'vitest'
import type { ServiceName } from './services-setup.js'

/** Time for a service to be found, which may mean to install it. */
export const FIND_TIMEOUT_MS = 600_000

/** URL of the Redis or PostgreSQL that tests share; it is started for the first who asks. Fails with a list of choices. */
export async function serviceUrl(name: ServiceName): Promise<string> {
  const answer = await fetch(`${inject('services')}/${name}`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}
