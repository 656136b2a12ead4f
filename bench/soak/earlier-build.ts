import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import type { Seat } from './plan.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MOST_BYTES = 64 * 1024 * 1024

/** The programs of a run with an earlier version of dueque. They are there as long as this process. */
export type EarlierBuild = Readonly<Record<Seat['role'], string>>

/** @throws Error if this clone lacks the commit, or that version cannot run the programs */
export function buildOf(commit: string): EarlierBuild {
  const folder = mkdtempSync(join(tmpdir(), 'dueque-earlier-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const input = execFileSync('git', ['archive', commit, 'src', 'package.json'], { cwd: ROOT, maxBuffer: MOST_BYTES })
  execFileSync('tar', ['x', '-C', folder], { input })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return { producer: bundled('producer', folder), consumer: bundled('consumer', folder) }
}

/** The file stands where a room of `src` does: that version looks for its package.json from there. */
function bundled(role: Seat['role'], folder: string): string {
  const outfile = join(folder, 'src/soak', `${role}.mjs`)
  const room = (path: string) => join(folder, 'src', path)
  buildSync({
    entryPoints: [fileURLToPath(new URL(`${role}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: {
      'dueque/postgres': room('strategies/postgres/index.ts'),
      'dueque/redis': room('strategies/redis/index.ts'),
      dueque: room('index.ts'),
    },
    logLevel: 'error',
  })
  return outfile
}
