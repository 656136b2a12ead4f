import { isUint8Array } from 'node:util/types'
import { flag, type Rule, type Rules } from '../../base/checks.js'
import { DuequeError } from '../../base/errors.js'

/** Certificates and keys in PEM; the same meaning as in Node's `tls.connect`. */
export interface TlsOptions {
  ca?: string | Uint8Array | (string | Uint8Array)[]
  cert?: string | Uint8Array
  key?: string | Uint8Array
  passphrase?: string
  /** The name that the server's certificate must carry. @default the host of the URL */
  servername?: string
  /** `false` accepts any certificate: for tests only. @default true */
  rejectUnauthorized?: boolean
}

/** Shows no value: it may be a key or a password. */
function secret(expected: string, fits: (value: unknown) => boolean): Rule {
  return (value, option) => {
    if (!fits(value))
      throw new DuequeError('INVALID_OPTION', `${option}: expected ${expected}, got: ${typeof value}`, { option })
    return undefined
  }
}

const isText = (value: unknown) => typeof value === 'string'
const isPem = (value: unknown) => typeof value === 'string' || isUint8Array(value)

export const TLS_RULES: Rules<TlsOptions> = {
  ca: secret('PEM, or a list of it', (value) => (Array.isArray(value) ? value.every(isPem) : isPem(value))),
  cert: secret('PEM', isPem),
  key: secret('PEM', isPem),
  passphrase: secret('a text', isText),
  servername: secret('a text', isText),
  rejectUnauthorized: flag,
}
