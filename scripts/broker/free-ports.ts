import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Ports that were returned already, before their servers listen. */
const taken = new Set<number>()

/**
 * Ports that nobody listens on now. Below the range from which systems take the ports of outgoing connections (Linux
 * from 32768), so that a port stays free while its server is down; and a client that keeps trying such a port of its own
 * host could even end up connected to itself. With `companion`, the port that is so much above each one is free as well.
 */
export async function freePorts(count: number, companion = 0): Promise<number[]> {
  const found: number[] = []
  while (found.length < count) {
    const port = randomInt(10_000, 32_000 - companion)
    const both = companion === 0 ? [port] : [port, port + companion]
    if (both.some((one) => taken.has(one))) continue
    for (const one of both) taken.add(one)
    const free = await Promise.all(both.map(isFree))
    if (free.every(Boolean)) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
