// vendor-ui.ts: puts the files of the dashboard's pages that are not compiled beside those that are, in dist/dashboard/ui: the page,
// its styles, and preact, which has no dependency and is no dependency of the package.
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = join(import.meta.dirname, '../src/dashboard/ui')
const TARGET = join(import.meta.dirname, '../dist/dashboard/ui')
/** By the names in the import map of index.html. */
const MODULES = { 'preact.js': 'preact', 'hooks.js': 'preact/hooks', 'jsx-runtime.js': 'preact/jsx-runtime' }

// As deep as before, so that imports stay. The server takes whatever follows the last `/ui/` of a URL for the name of a file.
await rename(join(TARGET, 'dashboard/ui'), join(TARGET, 'dashboard/pages'))

const plain = (await readdir(SOURCE)).filter((name) => /\.(html|css)$/.test(name))
for (const name of plain) await cp(join(SOURCE, name), join(TARGET, name))

const vendor = join(TARGET, 'vendor')
await mkdir(vendor, { recursive: true })
for (const [name, specifier] of Object.entries(MODULES)) {
  const code = await readFile(fileURLToPath(import.meta.resolve(specifier)), 'utf8')
  // The map is not there.
  await writeFile(join(vendor, name), code.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'))
}
const packageJson = fileURLToPath(import.meta.resolve('preact/package.json'))
await cp(join(packageJson, '../LICENSE'), join(vendor, 'LICENSE'))

// All modules at once, instead of one after the other as each names the next ones. The import map has to come first.
const modules = (await readdir(TARGET, { recursive: true })).filter((name) =>
  /^(dashboard\/pages|vendor)\/.*\.js$/.test(name),
)
const links = modules.sort().map((name) => `    <link rel="modulepreload" href="ui/${name}" />\n`)
const page = await readFile(join(TARGET, 'index.html'), 'utf8')
const end = page.indexOf('</script>\n') + '</script>\n'.length
await writeFile(join(TARGET, 'index.html'), page.slice(0, end) + links.join('') + page.slice(end))
