import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { generatedPages } from '../../../scripts/docs/reference.js'

it('is what the code says: npm run docs:reference writes it', { timeout: 120_000 }, async () => {
  const stale = [...(await generatedPages())].filter(([file, text]) => readFileSync(file, 'utf8') !== text)
  expect(stale.map(([file]) => file)).toEqual([])
})
