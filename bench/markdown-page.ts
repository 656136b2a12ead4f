import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { format, resolveConfig } from 'prettier'

/** Replaces the text between two marks of a Markdown page, and formats the page. */
export async function rewriteBetween(page: string, marks: readonly [string, string], content: string): Promise<void> {
  const [begin, end] = marks
  const [before, rest] = (await readFile(page, 'utf8')).split(begin)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`${basename(page)} lost its marks: ${begin} … ${end}`)
  const text = [before, begin, '\n\n', content, '\n\n', end, after].join('')
  const config = await resolveConfig(page)
  await writeFile(page, await format(text, { ...config, parser: 'markdown' }))
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
