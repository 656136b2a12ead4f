// reference.ts: writes the pages of docs that follow from the code, and the files of examples into the pages that show them.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { cliReference } from './cli-reference.js'
import { errorReference } from './error-reference.js'
import { pagesWithFiles } from './included-files.js'

const FOLDER = fileURLToPath(new URL('../../docs/', import.meta.url))

/** Each page as it has to be, by its file. */
export async function generatedPages(): Promise<Map<string, string>> {
  const reference = Object.entries({ ...(await cliReference()), 'errors.md': errorReference() })
  const pages = [
    ...reference.map(([name, text]) => [`reference/${name}`, text] as const),
    ...Object.entries(pagesWithFiles()),
  ]
  const config = await resolveConfig(FOLDER)
  const formatted = pages.map(async ([name, text]): Promise<[string, string]> => {
    return [FOLDER + name, await format(text, { ...config, parser: 'markdown' })]
  })
  return new Map(await Promise.all(formatted))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of await generatedPages()) {
    const before = await readFile(file, 'utf8').catch(() => '')
    if (before === text) continue
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    console.log(`written: ${file}`)
  }
}
