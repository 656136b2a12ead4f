import { readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { CACHE, replaceFile } from '../../scripts/compiled.js'

/** As scripts/test has built it. */
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const FOLDER = `${CACHE}/cli`

/** A module finds the files beside it by its own place, not by that of the bundle. */
const places: Plugin = {
  name: 'places',
  setup(build) {
    build.onLoad({ filter: /\/dist\/.*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)) }
    })
  },
}

/**
 * The command line as it is built, in few files: a process that loads a hundred modules takes 0.1 s of processor time more, and the
 * tests start hundreds. Commands are loaded when they are called, and packages from their own files, all the same.
 *
 * @returns its main program
 */
export async function bundledCommandLine(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [MAIN],
    outdir: FOLDER,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [places],
    write: false,
    logLevel: 'error',
  })
  const isMain = ({ path }: { path: string }) => path === `${FOLDER}/main.mjs`
  // Chunks first: their names follow from what is in them.
  for (const { path, contents } of outputFiles.toSorted((a, b) => Number(isMain(a)) - Number(isMain(b)))) {
    replaceFile(path, contents)
  }
  return outputFiles.find(isMain)!.path
}
