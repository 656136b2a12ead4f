import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { repositoryFault } from '../../scripts/known-repository.js'

test('a package whose repository is not known is not published; the workflow of the release sets it', async () => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  expect(repositoryFault(text)).toBe(
    'repository: expected package.json to name it, got no repository.url, homepage, bugs.url. .github/workflows/release.yml sets its own.',
  )
  const workflow = await readFile(new URL('../../.github/workflows/release.yml', import.meta.url), 'utf8')
  const command = /npm pkg set ((?:.*\\\n)*.*)/.exec(workflow)![1]!
  const settings = Array.from(command.matchAll(/([\w.]+)=("[^"]*"|\S+)/g), ([, name, value]) => [name!, value!])
  const set: Record<string, unknown> = {}
  for (const [name, value] of settings) {
    const [outer, inner] = name!.split('.') as [string, string?]
    set[outer] = inner === undefined ? value : { ...(set[outer] as object), [inner]: value }
  }
  expect(repositoryFault(JSON.stringify(set))).toBeUndefined()
})
