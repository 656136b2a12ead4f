import { Command, Help } from 'commander'
import { expect, it } from 'vitest'
import { COMMANDS, namesOf } from '../../../src/cli/commands.js'
import { Terminal } from '../../../src/cli/terminal.js'

const terminal = new Terminal({ json: false })

it.each(COMMANDS)('$term is listed as its module makes it', async ({ term, load }) => {
  const [name, ...others] = namesOf(term)
  const command = new Command(name).aliases(others)
  const add = await load()
  add(command, terminal)
  expect(new Help().subcommandTerm(command)).toBe(term)
})
