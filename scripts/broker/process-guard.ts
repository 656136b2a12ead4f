// The guarding program of a private server: process-guard.ts FOLDER [EPMD_PORT [shared]]. Each line of standard input is
// the id of the server's process, an empty one means "not running". At the end of the input: kill, end epmd, delete.
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { endEpmd } from './epmd.js'
import { killTree } from './kill-tree.js'

const [folder, epmdPort, shared] = process.argv.slice(2)
if (!folder) throw new Error('usage: process-guard.ts FOLDER [EPMD_PORT [shared]]')

// It ends by itself, soon after its owner: a signal to all processes must not prevent the cleanup.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

let pid = 0
for await (const line of createInterface({ input: process.stdin })) pid = Number(line)

if (pid > 0) await killTree(pid)
if (epmdPort !== undefined) {
  // It refuses while it knows a node. A shared one is left to the last node of the cluster.
  await endEpmd(Number(epmdPort)).catch((error: unknown) => {
    if (shared === undefined) throw error
  })
}
await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
