import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const PROJECT = fileURLToPath(new URL('..', import.meta.url))
/** Folder of compiled programs. Packages are found from there. */
export const CACHE = join(PROJECT, 'node_modules/.cache/dueque')

const files = new Map<string, string>()

/**
 * The file of JavaScript, without imports of the project, that a TypeScript program is compiled to. Node runs it by itself:
 * a process that starts by tsx costs a second of processor time more. Compiled once by each process that asks for it.
 *
 * `import.meta` of all its modules is that of the program.
 */
export function compiled(program: URL): string {
  const path = fileURLToPath(program)
  let file = files.get(path)
  if (file === undefined) {
    file = join(CACHE, relative(PROJECT, path).replaceAll(/[/\\]/g, '-').replace(/\.ts$/, '.mjs'))
    replaceFile(file, compile(path, program))
    files.set(path, file)
  }
  return file
}

function compile(path: string, { href }: URL): Uint8Array {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    define: { 'import.meta.dirname': JSON.stringify(dirname(path)), 'import.meta.url': JSON.stringify(href) },
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]!.contents
}

/** Writes a file that is whole at any time: another process may compile or start the same one. */
export function replaceFile(file: string, contents: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, contents)
  renameSync(`${file}.${process.pid}`, file)
}
