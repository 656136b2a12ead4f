import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { filesOf, ROOT } from '../../support/pages.js'

/** Everything but `ok`, where the code is a literal. */
const FINDING = /(?:finding\(|severity:)\s*'(?:note|warning|error)',\s*(?:code: )?'([a-z-]+)'/g

it('is what doctor can find: docs/reference/doctor-findings.md', () => {
  const files = filesOf('src', /\.ts$/).map((file) => readFileSync(ROOT + file, 'utf8'))
  const codes = new Set(files.flatMap((text) => [...text.matchAll(FINDING)].map(([, code]) => code!)))
  expect(codes.size).toBeGreaterThan(50)
  const page = readFileSync(`${ROOT}docs/reference/doctor-findings.md`, 'utf8')
  expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([])
})
