import { Socket } from 'node:net'

/** This process's open connections to a port of the machine: how tests notice a leak. */
export function openSockets(port: number): number {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }
  return handles
    .call(process)
    .filter((handle) => handle instanceof Socket && handle.remotePort === port && !handle.destroyed).length
}
