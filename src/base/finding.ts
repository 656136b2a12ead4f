/** `error`: messages are early, lost, stuck or refused, now or with the next message. `warning`: they may become so. */
export type Severity = 'ok' | 'note' | 'warning' | 'error'

/** One thing that a check of a server found. */
export interface Finding {
  severity: Severity
  /** For programs, and for the table in docs/reference/doctor-findings.md. */
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
