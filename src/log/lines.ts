const LINE_END = '\n'

/**
 * Reads the records of one message of a stream, which may hold none.
 *
 * @param read called with each line and its place among all lines of the message, from 0
 * @param unreadable called for each line for which `read` throws; the others are read all the same
 */
export function readLines(
  body: Uint8Array,
  read: (line: string, place: number) => void,
  unreadable: (error: Error) => void,
): void {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  for (const [place, line] of text.split(LINE_END).entries()) {
    if (line === '' || line.trim() === '') continue
    try {
      read(line, place)
    } catch (error) {
      unreadable(error as Error)
    }
  }
}
