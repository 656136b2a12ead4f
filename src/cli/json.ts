/** Strings, to be passed over, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/**
 * Parses JSON that is to be sent on. A number that JavaScript cannot hold (an id of 64 bits, say) would arrive as another
 * one: refused.
 *
 * @throws Error that says why
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return value
  for (const [token] of text.matchAll(TOKEN)) {
    const number = Number(token)
    if (token.startsWith('"')) continue
    if (!Number.isFinite(number) || (/^-?\d+$/.test(token) && BigInt(token) !== BigInt(number))) {
      throw new Error(`the number ${token} cannot be kept as it is: write it as a string`)
    }
  }
  return value
}
