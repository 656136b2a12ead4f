import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** A code block below a comment that names its file: `<!-- examples/outbox/shop.ts -->`. */
const INCLUDED = /^(<!-- (examples\/\S+) -->\n\n```\w+\n)[^]*?(?=^```$)/gm

/** The pages that show files of examples, each with the files as they are, by their path below docs. */
export function pagesWithFiles(): Record<string, string> {
  const pages = readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const texts = pages.map((name) => [name, readFileSync(`${ROOT}docs/${name}`, 'utf8')] as const)
  return Object.fromEntries(
    texts.filter(([, text]) => text.search(INCLUDED) >= 0).map(([name, text]) => [name, withFiles(text)]),
  )
}

function withFiles(text: string): string {
  return text.replaceAll(INCLUDED, (_, start: string, file: string) => start + readFileSync(ROOT + file, 'utf8'))
}
