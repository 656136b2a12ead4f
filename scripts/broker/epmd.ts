import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Port of the epmd that Erlang nodes use unless told otherwise. */
export const DEFAULT_EPMD_PORT = 4369

/** Whether an epmd (or anything else) listens on the port of this host. */
export async function epmdRuns(port: number): Promise<boolean> {
  return (await ask(port, '')) !== 'absent'
}

/**
 * Ends the epmd (Erlang's port mapper) of a port, which outlives the node that started it. By its own protocol
 * (KILL_REQ, https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html), because its process is nobody's child and
 * may be in a root folder of its own. It refuses while a node is registered, so nobody else's node is harmed.
 */
export async function endEpmd(port: number): Promise<void> {
  let absent = 0
  let busy = 0
  // Absent twice: a node killed during its start may have just forked an epmd.
  while (absent < 2) {
    const answer = await ask(port, 'k')
    if (answer === 'absent') absent += 1
    else if (answer.startsWith('NO')) busy += 1
    if (busy > 50) throw new Error(`epmd on port ${port} still has a registered node`)
    await sleep(100)
  }
}

/** Sends one request and returns what comes back; 'absent' if nobody listens. An empty request only connects. */
function ask(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 }, () => {
      if (request === '') return socket.destroy()
      const frame = Buffer.from(`..${request}`, 'latin1')
      frame.writeUInt16BE(request.length)
      return socket.write(frame)
    })
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', () => resolve('absent'))
    socket.on('timeout', () => socket.destroy())
    socket.on('close', () => resolve(answer))
  })
}
