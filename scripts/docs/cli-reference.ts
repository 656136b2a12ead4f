import type { Command } from 'commander'
import { EXIT_HELP } from '../../src/cli/exit.js'
import { PageHelp } from '../../src/cli/help/page-help.js'
import { everyCommand } from './every-command.js'
import { cell, table } from './markdown.js'

const INTRO = `# Command line

<!-- Written by npm run docs:reference, from the commands themselves. -->

This page has every command and every option. \`dueque <command> --help\` shows one screen of it, \`dueque help <command>\` all.
[The command line](../operations/command-line.md) describes times, colours, dry runs and progress.
`

/** What a page of help knows beside commander's own. */
type Noted = Command & { notes?: string }

const help = new PageHelp({ isWhole: true })

/** The page docs/reference/cli.md. */
export async function cliReference(): Promise<string> {
  const root = await everyCommand()
  const commands = help.visibleCommands(root).filter((one) => one.name() !== 'help')
  return [
    INTRO,
    ...commands.map((one) => `- [\`dueque ${one.name()}\`](#dueque-${one.name()}): ${one.description()}`),
    '\n## Options of every command\n',
    optionsOf(root),
    '\n## Exit codes\n',
    table(['code', 'meaning'], exitCodes()),
    ...commands.flatMap((one) => sectionsOf(one, 2)),
  ].join('\n')
}

/** A command, and its subcommands below it. */
function sectionsOf(command: Noted, level: number): string[] {
  const subcommands = help.visibleCommands(command).filter((one) => one.name() !== 'help')
  const title = help.commandUsage(command).replace(/ [[<].*$/, '')
  return [
    `\n${'#'.repeat(level)} \`${title.replace(/\|.*$/, '')}\`\n`,
    `${capital(command.description())}.\n`,
    subcommands.length === 0 ? `\`\`\`text\n${help.commandUsage(command)}\n\`\`\`\n` : '',
    optionsOf(command),
    notesOf(command.notes ?? ''),
    ...subcommands.flatMap((one) => sectionsOf(one, level + 1)),
  ]
}

function optionsOf(command: Command): string {
  const args = help.visibleArguments(command).map((one) => [`\`${one.name()}\``, one.description])
  const options = command.options.map((one) => [`\`${help.optionTerm(one)}\``, help.optionDescription(one)])
  const rows = [...args, ...options].map(([term, text]) => [term!, cell(text!)])
  return rows.length === 0 ? '' : `${table(['option', 'meaning'], rows)}\n`
}

/** Paragraphs as they are, and indented lines as a block of code. */
function notesOf(notes: string): string {
  const lines = notes.replaceAll(/\n(?=Examples?:\n)/g, '\n\n').split('\n')
  const isBlock = (line: string | undefined) => line !== undefined && line.startsWith('  ')
  const parts: string[][] = [[]]
  for (const [index, line] of lines.entries()) {
    if (line === '' || isBlock(line) !== isBlock(lines[index - 1])) parts.push([])
    if (line !== '') parts.at(-1)!.push(line)
  }
  const full = parts.filter(([line]) => line !== undefined)
  return full.map((part) => (isBlock(part[0]) ? blockOf(part) : cell(part.join('\n')))).join('\n\n')
}

function blockOf(lines: readonly string[]): string {
  const text = lines.map((line) => line.replace(/^ {2}/, '')).join('\n')
  return `\`\`\`${/^dueque /m.test(text) ? 'sh' : 'text'}\n${text}\n\`\`\``
}

function exitCodes(): string[][] {
  const lines = EXIT_HELP.trim().split('\n').slice(1)
  const rows: [string, string][] = []
  for (const line of lines) {
    const [, code, text = ''] = /^ {2}(\S.*?) {2,}(\S.*)$/.exec(line) ?? []
    if (code === undefined) rows.at(-1)![1] += ` ${line.trim()}`
    else rows.push([code, text])
  }
  return rows.map(([code, text]) => [code, cell(text)])
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
