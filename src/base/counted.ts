/**
 * A number with its noun, and a verb if there is one: `1 message`, `2 messages`.
 *
 * @param many @default `one` with an s
 * @param text how the number is written. @default plain digits
 */
export function counted(
  count: number,
  one: string,
  many = `${one}s`,
  text: (count: number) => string = String,
): string {
  return `${text(count)} ${count === 1 ? one : many}`
}
