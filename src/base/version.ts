export type Version = readonly [major: number, minor: number, patch: number]

/** The numbers at the front of a version: `4.3.6+1.gabc` is 4.3.6. Undefined for a text without a number there. */
export function parseVersion(text: string): Version | undefined {
  const found = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(text)
  if (!found) return undefined
  const [, major, minor = 0, patch = 0] = found
  return [Number(major), Number(minor), Number(patch)]
}

export function isOlder(version: Version, than: Version): boolean {
  const at = version.findIndex((part, i) => part !== than[i])
  return at >= 0 && version[at]! < than[at]!
}
