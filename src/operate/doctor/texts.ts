/** Some names, and how many more there are. */
export function some(names: readonly string[], most = 3): string {
  const more = names.length - most
  return more <= 1 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${more} more`
}

/** As one word for a shell. */
export function quoted(text: string): string {
  return /^[\w./:@~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** A name as a regular expression that matches nothing else. */
export function exactly(name: string): string {
  return `^${escaped(name)}$`
}

/** A text within a regular expression. */
export function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
