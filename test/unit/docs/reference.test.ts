import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { generatedPages } from '../../../scripts/docs/reference.js'

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

it('is what the code says: npm run docs:reference writes it', { timeout: 120_000 }, async () => {
  const stale = [...(await generatedPages())].filter(([file, text]) => textOf(file) !== text)
  expect(stale.map(([file]) => file)).toEqual([])
})
