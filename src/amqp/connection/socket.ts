import type { ChannelModel } from 'amqplib'
import type { Duplex } from 'node:stream'

/** The socket below a connection. amqplib has no public way to it. */
export function socketOf(model: ChannelModel): Duplex | undefined {
  return (model.connection as { stream?: Duplex }).stream
}

/**
 * amqplib writes each frame to the socket by itself, one system call each. This gathers what is written in one turn into
 * one call: at 10,000 messages/s about a tenth of the publisher's CPU, and fewer packets for the broker to read.
 */
export function gatherWrites(socket: Duplex): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  let gathering = false
  const gathered = (...args: unknown[]): boolean => {
    if (!gathering) {
      gathering = true
      socket.cork()
      queueMicrotask(() => {
        gathering = false
        socket.uncork()
      })
    }
    return write(...args)
  }
  socket.write = gathered as typeof socket.write
}
