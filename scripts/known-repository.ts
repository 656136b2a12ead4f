// known-repository.ts: before a publish. A package on npm names the repository that it comes from; the workflow of the release sets
// its own, and provenance is refused if they differ.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'

/** What is missing in a package.json, for people; nothing if it can be published. */
export function repositoryFault(text: string): string | undefined {
  const { repository, homepage, bugs } = JSON.parse(text) as {
    repository?: { url?: string }
    homepage?: string
    bugs?: { url?: string }
  }
  const missing = Object.entries({ 'repository.url': repository?.url, homepage, 'bugs.url': bugs?.url })
    .filter(([, value]) => !value)
    .map(([name]) => name)
  if (missing.length === 0) return undefined
  return `repository: expected package.json to name it, got no ${missing.join(', ')}. .github/workflows/release.yml sets its own.`
}

if (argv[1] === import.meta.filename) {
  const fault = repositoryFault(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
  if (fault !== undefined) {
    console.error(fault)
    exit(1)
  }
}
