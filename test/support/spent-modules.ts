let spent = false

/**
 * Gives the files that follow in this worker modules of their own. For a test whose clock is ahead: the revisions of its
 * process stay ahead of those of other processes.
 */
export function spendModules(): void {
  spent = true
}

/** Whether a file before has spent the modules of this worker. */
export function areModulesSpent(): boolean {
  return spent
}
