import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const source = (name: string) => fileURLToPath(new URL(`../../../src/message/${name}.ts`, import.meta.url))
const PROBE = source('probe')
const FILES: Record<string, string> = {
  [PROBE]: `import type { Due } from './due.js'
const inAWhile: Due = { in: '5m' }
const later: Due = { at: '2030-01-31T09:00:00Z' }
`,
}

/** What an editor shows for an option of the probe. These files alone are loaded, without any library. */
function hover(option: string): string {
  const service = ts.createLanguageService({
    getScriptFileNames: () => [PROBE, source('due'), source('duration')],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => ts.ScriptSnapshot.fromString(FILES[name] ?? readFileSync(name, 'utf8')),
    getCurrentDirectory: () => '/',
    getCompilationSettings: () => ({ module: ts.ModuleKind.NodeNext, noLib: true, noResolve: true, types: [] }),
    getDefaultLibFileName: () => '',
    fileExists: (name) => name in FILES || ts.sys.fileExists(name),
    readFile: (name) => FILES[name] ?? ts.sys.readFile(name),
  })
  const info = service.getQuickInfoAtPosition(PROBE, FILES[PROBE]!.indexOf(`${option}:`))
  return ts.displayPartsToString(info?.documentation)
}

it('an editor explains `in` and `at` of a due time', () => {
  expect(hover('in')).toMatch(/^The delay: milliseconds, a text such as `'90s'`/)
  expect(hover('at')).toMatch(/^The instant: a `Date`, an ISO 8601 string/)
})
