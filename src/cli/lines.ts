/** What one line of the input may hold at most: more than any broker takes as a message. */
const MAX_LINE_BYTES = 64 * 1024 * 1024

const decoder = new TextDecoder('utf-8', { fatal: true })

/** A line by its number, counted from 1. `text` is undefined for a line that cannot be read. */
export interface Line {
  number: number
  text?: string
  problem?: string
}

/**
 * The lines of a byte stream, empty ones left out but counted. Not node:readline: it also splits at U+2028 and U+2029,
 * which may stand in a JSON string as they are, and a stream without newlines would fill the memory.
 */
export async function* linesOf(source: AsyncIterable<Uint8Array>, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  let pieces: Uint8Array[] = []
  let bytes = 0
  let number = 0
  const add = (piece: Uint8Array) => {
    bytes += piece.length
    if (bytes <= maxBytes) pieces.push(piece)
    else pieces = []
  }
  const finish = (): Line => {
    const line = lineOf(++number, pieces, bytes, maxBytes)
    pieces = []
    bytes = 0
    return line
  }
  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end))
      from = end + 1
      const line = finish()
      if (line.text !== '') yield line
    }
    add(chunk.subarray(from))
  }
  const last = finish()
  if (last.text !== '') yield last
}

function lineOf(number: number, pieces: Uint8Array[], bytes: number, maxBytes: number): Line {
  if (bytes > maxBytes) return { number, problem: `${bytes} bytes, over the limit of ${maxBytes}` }
  try {
    return { number, text: decoder.decode(Buffer.concat(pieces)).trim() }
  } catch {
    return { number, problem: 'not UTF-8' }
  }
}
