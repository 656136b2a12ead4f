// commonjs-entries.ts: beside each built entry of the package, one for CommonJS: a file that requires it, and its types, for
// compilers that take no ES module there. The code and its types exist once.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'

interface Entry {
  readonly import: { readonly types: string; readonly default: string }
  readonly require: { readonly types: string; readonly default: string }
}

const PROJECT = join(import.meta.dirname, '..')
const { exports } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
  exports: Record<string, Entry | string>
}
const entries = Object.values(exports).filter((entry) => typeof entry !== 'string')
const typesOf = (entry: Entry) => join(PROJECT, entry.import.types)

const options: ts.CompilerOptions = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, types: [] }
const program = ts.createProgram({ rootNames: entries.map(typesOf), options })
const checker = program.getTypeChecker()

for (const entry of entries) {
  const module = `./${basename(entry.import.default)}`
  writeFileSync(join(PROJECT, entry.require.default), `module.exports = require('${module}')\n`)
  const names = Object.keys((await import(join(PROJECT, entry.import.default))) as object)
  const from = `from '${module}' with { 'resolution-mode': 'import' }`
  const lines = [
    `import type * as esm ${from}`,
    `export type * ${from}`,
    ...names.flatMap((name) => declared(entry, name)),
  ]
  writeFileSync(join(PROJECT, entry.require.types), `${lines.join('\n')}\n`)
}

/** A value, and the type of the same name if it is a class: the star exports it without its value. */
function declared(entry: Entry, name: string): string[] {
  const value = `export declare const ${name}: typeof esm.${name}`
  const module = checker.getSymbolAtLocation(program.getSourceFile(typesOf(entry))!)!
  const exported = checker.tryGetMemberInModuleExports(name, module)!
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const declaration = symbol.declarations?.find(ts.isClassDeclaration)
  if (!declaration) return [value]
  const parameters = declaration.typeParameters ?? []
  const names = parameters.map((parameter) => parameter.name.text)
  const shown = parameters.map((parameter) =>
    parameter.getText().replaceAll(/[A-Z]\w*/g, (type) => (names.includes(type) ? type : `esm.${type}`)),
  )
  const list = (texts: readonly string[]) => (texts.length === 0 ? '' : `<${texts.join(', ')}>`)
  return [value, `export type ${name}${list(shown)} = esm.${name}${list(names)}`]
}
