// bundle-ui.ts: builds the pages of the dashboard into dist/dashboard/ui: one file of JavaScript with preact in it, which is no
// dependency of the package, one of styles, and the page.
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const SOURCE = join(import.meta.dirname, '../src/dashboard/ui')
const TARGET = join(import.meta.dirname, '../dist/dashboard/ui')
const LICENSE = 'preact-LICENSE.txt'

await build({
  entryPoints: ['main.tsx', 'main.css'].map((name) => join(SOURCE, name)),
  outdir: TARGET,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2023',
  banner: { js: `/* preact, MIT License: ${LICENSE} */` },
  logLevel: 'warning',
})
await cp(join(SOURCE, 'index.html'), join(TARGET, 'index.html'))
await cp(join(fileURLToPath(import.meta.resolve('preact/package.json')), '../LICENSE'), join(TARGET, LICENSE))
