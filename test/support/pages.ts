import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of the repository, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Page {
  /** From the root of the repository, such as `docs/choosing.md`. */
  path: string
  text: string
}

/** Files below a folder of the repository whose names end so; without those of other packages. */
export function filesOf(folder: string, ending: RegExp): string[] {
  return readdirSync(ROOT + folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length))
    .filter((path) => !path.includes('node_modules'))
}

/** Every page that people read. */
export function pages(): Page[] {
  const paths = [
    ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
    ...filesOf('docs', /\.md$/),
    ...filesOf('examples', /\.md$/),
  ]
  return paths.map((path) => ({ path, text: readFileSync(ROOT + path, 'utf8') }))
}

/** The lines of a page, with empty ones in the place of code blocks. */
export function proseOf(text: string): string[] {
  let code = false
  return text.split('\n').map((line) => {
    const isFence = /^\s*```/.test(line)
    if (isFence) code = !code
    return code || isFence ? '' : line
  })
}

/** The names of its headings, as GitHub gives them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const line of proseOf(text)) {
    const [, heading] = /^#{1,6} (.*)$/.exec(line) ?? []
    if (heading === undefined) continue
    const name = anchorOf(heading)
    let number = 0
    while (anchors.has(number === 0 ? name : `${name}-${number}`)) number++
    anchors.add(number === 0 ? name : `${name}-${number}`)
  }
  return anchors
}

function anchorOf(heading: string): string {
  const text = heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
  return text.replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, '').replaceAll(' ', '-')
}

export interface CodeBlock {
  language: string
  /** Of its first line, from 1. */
  line: number
  code: string
}

/** The code blocks of a page, those in lists included. */
export function codeBlocksOf(text: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: CodeBlock | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, language] = /^\s*```(\S*)/.exec(line) ?? []
    if (language === undefined) {
      if (open) open.code += `${line}\n`
    } else if (open) {
      blocks.push(open)
      open = undefined
    } else open = { language, line: index + 2, code: '' }
  }
  return blocks
}
