/** `error`: messages are early, lost, stuck or refused, now or as soon as one comes that way. `warning`: they may be. */
export type Severity = 'ok' | 'note' | 'warning' | 'error'

export interface Finding {
  severity: Severity
  /** For programs, and for the table in docs/operations.md. */
  code: string
  what: string
  /** A command, a setting or a deed; empty if there is nothing to do. */
  todo: string
}

const ORDER: readonly Severity[] = ['ok', 'note', 'warning', 'error']

export function worst(findings: readonly Finding[]): Severity {
  return ORDER[Math.max(0, ...findings.map(({ severity }) => ORDER.indexOf(severity)))]!
}

export function finding(severity: Severity, code: string, what: string, todo = ''): Finding {
  return { severity, code, what, todo }
}

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

export function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
