import { hash, randomBytes } from 'node:crypto'

/** 128 bits of SHA-256. That any two of a billion keys have the same has a chance of one in 10^20. */
export type Fingerprint = Readonly<Int32Array>
export const FINGERPRINT_WORDS = 4
/** Unknown outside, so that nobody can make keys that are alike here, not even in the bits that a hash table goes by. */
const SALT = randomBytes(12).toString('base64')

/** Of a text, within this process: an outsider cannot compute it. The array is new. */
export function fingerprintOf(key: string, salt = SALT): Int32Array {
  // A string is less work for the garbage collector than a Buffer.
  const digest = hash('sha256', salt + key, 'binary')
  return Int32Array.of(wordAt(digest, 0), wordAt(digest, 4), wordAt(digest, 8), wordAt(digest, 12))
}

function wordAt(bytes: string, at: number): number {
  const byte = (i: number) => bytes.charCodeAt(at + i)
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)
}
