/** What matters for finding the numbers: escapes, quotes, numbers. All short, for long texts overflow the regex engine. */
const TOKEN = /\\.|"|-?\d[\d.eE+-]*/gs

/**
 * Parses JSON that is to be sent on. A number that JavaScript cannot hold (an id of 64 bits, say) would arrive as another
 * one: refused.
 *
 * @throws Error that says why
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return value
  let inString = false
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '"') inString = !inString
    else if (!inString && isChanged(token)) {
      throw new Error(`the number ${token} cannot be kept as it is: write it as a string`)
    }
  }
  return value
}

function isChanged(token: string): boolean {
  const number = Number(token)
  return !Number.isFinite(number) || (/^-?\d+$/.test(token) && BigInt(token) !== BigInt(number))
}
