import { once } from 'node:events'
import { expect } from 'vitest'
import { startChildWith, type Child } from './child.js'

/** Runs a program of examples in its own process, which is killed when the test ends. */
export function startExample(example: string, env: Record<string, string>, ...args: string[]): Child {
  return startChildWith(env, new URL(`../../examples/${example}`, import.meta.url), ...args)
}

/** Its lines, when it has ended well. */
export async function runExample(...args: Parameters<typeof startExample>): Promise<readonly string[]> {
  const { process, lines } = startExample(...args)
  const [code] = (await once(process, 'close')) as [number | null]
  expect(code).toBe(0)
  return lines
}
