#!/usr/bin/env node
import { CommanderError } from 'commander'
import { EXIT, exitCodeOf } from './exit.js'
import { program } from './program.js'
import { Terminal } from './terminal.js'

// Before anything is parsed, since errors of parsing are JSON too.
const terminal = new Terminal({ json: process.argv.includes('--json'), utc: process.argv.includes('--utc') })

function failed(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  terminal.error(error)
  return exitCodeOf(error)
}

process.on('uncaughtException', (error) => {
  terminal.error(error)
  process.exit(EXIT.failed)
})

try {
  await (await program(process.argv.slice(2), terminal)).parseAsync()
} catch (error) {
  process.exitCode = failed(error)
}
