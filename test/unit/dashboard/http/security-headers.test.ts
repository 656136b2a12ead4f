import { expect, test } from 'vitest'
import { contentSecurityPolicy, importMapHash } from '../../../../src/dashboard/http/security-headers.js'

test('the import map of a page is known by its hash, as browsers compute it', () => {
  // printf '{"imports":{}}' | openssl dgst -sha256 -binary | base64
  const page = '<!doctype html><script type="importmap">{"imports":{}}</script><script type="module" src="x"></script>'
  expect(importMapHash(page)).toBe('sha256-URrTy+Il/Nz0lHojVUx275hWqAWhkSF0VsHbUM4/6Hw=')
  expect(importMapHash('<!doctype html>')).toBeUndefined()
})

test('nothing is loaded but files of the dashboard', () => {
  expect(contentSecurityPolicy('sha256-x')).toBe(
    "default-src 'none'; script-src 'self' 'sha256-x'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  expect(contentSecurityPolicy(undefined)).toContain("script-src 'self';")
})
