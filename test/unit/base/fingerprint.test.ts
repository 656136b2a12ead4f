import { describe, expect, it } from 'vitest'
import { fingerprintOf } from '../../../src/base/fingerprint.js'

describe('a fingerprint', () => {
  it('is computed from the key and a secret of this process', () => {
    expect(fingerprintOf('abc')).toEqual(fingerprintOf('abc'))
    expect(fingerprintOf('abc')).not.toEqual(fingerprintOf('abc', ''))
    expect(fingerprintOf('abc')).not.toEqual(fingerprintOf('abd'))
  })

  it('is the first 128 bits of the SHA-256 of both', () => {
    // FIPS 180-4, of "abc".
    const hex = 'ba7816bf8f01cfea414140de5dae2223'
    expect(Buffer.from(new Int32Array(fingerprintOf('abc', '')).buffer).toString('hex')).toBe(hex)
  })
})
