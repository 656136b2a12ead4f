/** Processor time of this process, which depends less on other work of the machine. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
