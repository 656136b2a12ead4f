import { Command, type AddHelpTextContext, type AddHelpTextPosition } from 'commander'
import { PageHelp } from './page-help.js'

/**
 * A command whose `--help` is one screen: its own options, and as many examples as fit. What `addHelpText` adds is shown whole
 * by `dueque help <command>`.
 */
export class PageCommand extends Command {
  /** Paragraphs, and examples at the end. */
  notes = ''

  override createCommand(name?: string): PageCommand {
    return new PageCommand(name)
  }

  override createHelp(): PageHelp {
    return new PageHelp()
  }

  override addHelpText(
    _position: AddHelpTextPosition,
    text: string | ((context: AddHelpTextContext) => string | undefined),
  ): this {
    if (typeof text === 'string') this.notes += `\n${text}`
    return this
  }
}
