import { createHash } from 'node:crypto'

const IMPORT_MAP = /<script type="importmap">([^<]*)<\/script>/

/** The hash of the import map in a page, which is the one script that is not a file. Undefined without one. */
export function importMapHash(page: string): string | undefined {
  const map = IMPORT_MAP.exec(page)?.[1]
  return map === undefined ? undefined : `sha256-${createHash('sha256').update(map).digest('base64')}`
}

/** The browser loads only files of the dashboard, and shows it in no frame of another page. */
export function contentSecurityPolicy(hash: string | undefined): string {
  const script = hash === undefined ? "script-src 'self'" : `script-src 'self' '${hash}'`
  const rest = "style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
  return `default-src 'none'; ${script}; ${rest}; frame-ancestors 'none'`
}

/** Of every answer. */
export function securityHeaders(hash: string | undefined): Record<string, string> {
  return {
    'content-security-policy': contentSecurityPolicy(hash),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    // For browsers that do not know frame-ancestors.
    'x-frame-options': 'DENY',
    'cross-origin-resource-policy': 'same-origin',
  }
}
