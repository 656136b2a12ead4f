/** What this process has used of the processor: what else the machine does, counts less. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
