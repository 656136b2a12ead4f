import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const source = (name: string) => fileURLToPath(new URL(`../../../src/${name}.ts`, import.meta.url))
const PROBE = source('schedule/probe')
const LOADED = [
  'schedule/schedule-options',
  'message/due',
  'message/duration',
  'message/destination',
  'message/receipt',
]

/** What an editor knows of a program. These files alone are loaded, without any library. */
function editorOf(program: string): ts.LanguageService {
  const text = (name: string) => (name === PROBE ? program : readFileSync(name, 'utf8'))
  return ts.createLanguageService({
    getScriptFileNames: () => [PROBE, ...LOADED.map(source)],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => ts.ScriptSnapshot.fromString(text(name)),
    getCurrentDirectory: () => '/',
    getCompilationSettings: () => ({
      module: ts.ModuleKind.NodeNext,
      ...{ noLib: true, noResolve: true, strict: true, exactOptionalPropertyTypes: true, types: [] },
    }),
    getDefaultLibFileName: () => '',
    fileExists: (name) => name === PROBE || ts.sys.fileExists(name),
    readFile: text,
  })
}

it('an editor explains `in` and `at` of a due time', () => {
  const program = `import type { Due } from '../message/due.js'
const inAWhile: Due = { in: '5m' }
const later: Due = { at: '2030-01-31T09:00:00Z' }
`
  const editor = editorOf(program)
  const hover = (option: string) =>
    ts.displayPartsToString(editor.getQuickInfoAtPosition(PROBE, program.indexOf(`${option}:`))?.documentation)
  expect(hover('in')).toMatch(/^The delay: milliseconds, a text such as `'90s'`/)
  expect(hover('at')).toMatch(/^The instant: a `Date`, an ISO 8601 string/)
})

it('TypeScript names `in` and `at`, if both are given or none of them', () => {
  const complaint = (options: string) => {
    const program = `import type { ScheduleOptions } from './schedule-options.js'
export const options: ScheduleOptions = ${options}
`
    const [diagnostic] = editorOf(program).getSemanticDiagnostics(PROBE)
    return ts.flattenDiagnosticMessageText(diagnostic?.messageText, '\n')
  }
  const both = complaint("{ to: { queue: 'q' }, in: '5m', at: '2030-01-31T09:00:00Z' }")
  expect(both).toContain("Types of property 'at' are incompatible")
  const none = complaint("{ to: { queue: 'q' } }")
  expect(none).toContain("Property 'at' is missing")
  expect(none).toContain('in?: never')
  expect(both + none).not.toContain('repeat')
})
