import ts from 'typescript'
import { expect, it } from 'vitest'
import { codeBlocksOf, pages, ROOT, type Page } from '../../support/pages.js'

/** What the pages take as given, such as `mq`. */
const GIVEN = `${ROOT}test/support/given.ts`
const NAMES = [
  'connect',
  'on',
  ...(ts.sys.readFile(GIVEN) ?? '').matchAll(/(?<=^export declare (?:const|function|class) )\w+/gm),
].map(String)
const IMPORT = /^ *import (?:type )?([^'"]*?) from '([^']+)'/gm

/**
 * The TypeScript of a page as one module whose lines are those of the page. Each block goes on with what the blocks before it
 * have declared, and may declare it anew.
 */
function moduleOf({ text }: Page): string {
  const blocks = codeBlocksOf(text).filter(({ language }) => language === 'ts')
  const lines = text.split('\n').map(() => '')
  const imported = new Map<string, Set<string>>()
  for (const { line, code } of blocks) {
    const rest = code
      .replaceAll(/^ *export (?=const|class)/gm, '')
      .replaceAll(IMPORT, (all, what: string, from: string) => {
        const names = what.startsWith('{')
          ? what.split(/[{},]/).flatMap((one) => one.trim() || [])
          : [`default as ${what}`]
        // Another file of the reader's is an earlier block.
        if (!from.startsWith('.')) imported.set(from, new Set([...(imported.get(from) ?? []), ...names]))
        return all.replaceAll(/[^\n]/g, '')
      })
    lines.splice(line - 1, rest.split('\n').length - 1, ...rest.split('\n').slice(0, -1))
    lines[line - 2] = '{'
  }
  const known = new Set([...imported.values()].flatMap((names) => [...names]))
  imported.set(GIVEN.replace(/ts$/, 'js'), new Set(NAMES.filter((name) => !known.has(name))))
  const imports = [...imported].map(([from, names]) => `import { ${[...names].join(', ')} } from '${from}'`)
  return `${imports.join('; ')}; export {}; ${lines.join('\n')}${'}'.repeat(blocks.length)}`
}

/** Compiles modules that exist in memory alone. */
function faultsOf(modules: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(`${ROOT}tsconfig.json`, (file) => ts.sys.readFile(file)).config as object
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, ROOT)
  // As most users have it.
  Object.assign(options, { noUnusedLocals: false, noUnusedParameters: false, noUncheckedIndexedAccess: false })
  Object.assign(options, { noPropertyAccessFromIndexSignature: false, verbatimModuleSyntax: false })
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => modules.has(name) || disk.fileExists(name),
    readFile: (name) => modules.get(name) ?? disk.readFile(name),
    getSourceFile: (name, version, ...others) => {
      const text = modules.get(name)
      return text === undefined
        ? disk.getSourceFile(name, version, ...others)
        : ts.createSourceFile(name, text, version)
    },
  }
  const program = ts.createProgram([...modules.keys()], options, host)
  return [...modules.keys()].flatMap((name) => {
    const file = program.getSourceFile(name)!
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((fault) => {
      const { line } = file.getLineAndCharacterOfPosition(fault.start ?? 0)
      const page = name.slice(ROOT.length).replace(/\.ts$/, '.md')
      return `${page}:${line + 1}: ${ts.flattenDiagnosticMessageText(fault.messageText, ' ')}`
    })
  })
}

it('compiles every TypeScript block of the documentation', { timeout: 120_000 }, () => {
  const read = pages().filter(({ path, text }) => !path.startsWith('docs/decisions/') && text.includes('```ts'))
  const modules = new Map(read.map((page) => [ROOT + page.path.replace(/\.md$/, '.ts'), moduleOf(page)]))
  expect(modules.size).toBeGreaterThan(10)
  expect(faultsOf(modules)).toEqual([])
})
