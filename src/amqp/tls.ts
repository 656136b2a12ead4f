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
