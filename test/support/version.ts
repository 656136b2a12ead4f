/** Whether a broker is older: `isBefore('3.10.8', [3, 10, 20])`. */
export function isBefore(version: string, than: readonly number[]): boolean {
  const parts = version.split('.').map(Number)
  const place = than.findIndex((part, i) => part !== parts[i])
  return place >= 0 && (parts[place] ?? 0) < than[place]!
}
