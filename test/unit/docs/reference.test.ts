import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { generatedPages } from '../../../scripts/docs/reference.js'

it('is what the code says: npm run docs:reference writes it', { timeout: 120_000 }, async () => {
  for (const [file, text] of await generatedPages()) expect(readFileSync(file, 'utf8')).toBe(text)
})
