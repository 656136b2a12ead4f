import type { Command } from 'commander'
import { shown } from '../../base/errors.js'
import { usage } from '../exit.js'
import type { Terminal } from '../terminal.js'
import { optionsPage } from './options-page.js'
import { PageHelp } from './page-help.js'

/** `dueque help`, in place of commander's own, which shows the page of `--help` again. */
export function addHelpCommand(root: Command, terminal: Terminal): void {
  root
    .command('help [command...]', { hidden: true })
    .description('everything about a command; or, by the word options, about options of every command and exit codes')
    .action(async (names: string[]) => {
      await terminal.print(helpOn(root, names).trimEnd())
    })
}

/** @throws CommandError of wrong usage */
function helpOn(root: Command, names: readonly string[]): string {
  const { columns } = process.stdout
  if (names.length === 0) return root.helpInformation()
  if (names.join() === 'options') return optionsPage(root, columns)
  const isNamed = (name: string) => (command: Command) => [command.name(), ...command.aliases()].includes(name)
  const found = names.reduce<Command | undefined>((group, name) => group?.commands.find(isNamed(name)), root)
  if (!found) throw usage(`help: expected a command, or options, got ${shown(names.join(' '))}`)
  const help = new PageHelp({ isWhole: true })
  help.prepareContext({ helpWidth: columns })
  return help.formatHelp(found)
}
