import type { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { addRestore } from './restore.js'

export function addJournal(group: Command, terminal: Terminal): void {
  addRestore(group, terminal)
}
