// reference.ts: writes the pages of docs/reference that follow from the code.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { cliReference } from './cli-reference.js'
import { errorReference } from './error-reference.js'

const FOLDER = fileURLToPath(new URL('../../docs/reference/', import.meta.url))

/** Each page as it has to be, by its file. */
export async function generatedPages(): Promise<Map<string, string>> {
  const pages = { 'cli.md': await cliReference(), 'errors.md': errorReference() }
  const config = await resolveConfig(FOLDER)
  const formatted = Object.entries(pages).map(async ([name, text]): Promise<[string, string]> => {
    return [FOLDER + name, await format(text, { ...config, parser: 'markdown' })]
  })
  return new Map(await Promise.all(formatted))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of await generatedPages()) {
    const before = await readFile(file, 'utf8').catch(() => '')
    if (before === text) continue
    await writeFile(file, text)
    console.log(`written: ${file}`)
  }
}
