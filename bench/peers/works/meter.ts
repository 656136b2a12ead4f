import { cpuSeconds } from '../../strategies/processes.js'
import type { Cell } from './work.js'

export interface CpuMicros {
  /** Of all servers of the contestant. */
  server: number
  /** Of this process, which schedules, and runs the relay of a contestant that has one. */
  client: number
}

/** Starts counting CPU time. The result ends it, and gives the time per message. */
export async function startMeter({ open }: Cell): Promise<(messages: number) => Promise<CpuMicros>> {
  const servers = Object.values(open.servers)
  // Some processes are short-lived.
  const total = async () => {
    const pids = await Promise.all(servers.map((server) => server.processes()))
    return cpuSeconds(pids.flat())
  }
  const [before, own] = [await total(), process.cpuUsage()]
  return async (messages) => {
    const { user, system } = process.cpuUsage(own)
    return { server: (((await total()) - before) * 1e6) / messages, client: (user + system) / messages }
  }
}
