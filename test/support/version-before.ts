import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import type { Dueque } from '../../src/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An earlier version of dueque, whose source runs beside this one. */
export interface VersionBefore {
  connect(options: { url: string; namespace: string; logger: false }): Promise<Dueque>
}

/** Why the tests of a file with an earlier version are skipped; empty if they are not. */
export function whyWithout(commit: string): string {
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root, stdio: 'ignore' })
    return ''
  } catch {
    return ` (skipped: this clone lacks the commit ${commit}; fetch the full history)`
  }
}

/** For the tests of the `describe` in which it is called. */
export function useVersionBefore(commit: string): () => VersionBefore {
  let folder: string
  let version: VersionBefore | undefined
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dueque-before-'))
    const archive = ['archive', commit, 'src', 'package.json']
    const source = execFileSync('git', archive, { cwd: root, maxBuffer: 64 * 1024 * 1024 })
    execFileSync('tar', ['x', '-C', folder], { input: source })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    version = (await import(pathToFileURL(join(folder, 'src/index.ts')).href)) as VersionBefore
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  return () => version!
}
