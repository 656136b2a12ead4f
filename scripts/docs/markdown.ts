/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map((one) => one.replaceAll('|', String.raw`\|`)).join(' | ')} |`).join('\n')
}

/** Plain text as Markdown shows it unchanged: code in backticks stays, and so do line breaks. */
export function cell(text: string): string {
  const parts = text.split(/(`[^`]*`)/)
  return parts
    .map((part) => (part.startsWith('`') ? part : part.replaceAll(/[*<]|(?<!\w)_|_(?!\w)/g, String.raw`\$&`)))
    .join('')
}
