/** Progress for humans: to stderr, so that a command's own output stays clean. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
