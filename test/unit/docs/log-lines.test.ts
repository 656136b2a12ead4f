import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { filesOf, ROOT } from '../../support/pages.js'

/** Texts without variable parts. */
const LINE = /logger\.(?:warn|error)\(\s*'([^']+)'/g

it('explains every warning and error that the library logs: docs/operations/log-lines.md', () => {
  const files = filesOf('src', /\.ts$/).filter((file) => !file.startsWith('src/cli/'))
  const lines = new Set(
    files.flatMap((file) => [...readFileSync(ROOT + file, 'utf8').matchAll(LINE)].map(([, line]) => line!)),
  )
  expect(lines.size).toBeGreaterThan(40)
  const page = readFileSync(`${ROOT}docs/operations/log-lines.md`, 'utf8').replaceAll(/\s+/g, ' ')
  expect([...lines].filter((line) => !page.includes(`\`${line}\``))).toEqual([])
})
