import { hash } from 'node:crypto'

/** The first `bytes` of a text's SHA-256: a key of fixed length. */
export function digest(text: string, bytes: number): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, bytes)
}
