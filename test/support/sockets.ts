import { Socket } from 'node:net'

/** This process's open connections to a port of the machine: how tests notice a leak. */
export function openSockets(port: number): number {
  const handles = (process as unknown as { _getActiveHandles: (this: unknown) => unknown[] })._getActiveHandles
  const sockets = handles.call(process).filter((handle) => handle instanceof Socket)
  return sockets.filter(({ remotePort, destroyed }) => remotePort === port && !destroyed).length
}
