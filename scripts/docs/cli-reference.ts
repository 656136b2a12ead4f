import type { Command } from 'commander'
import { EXIT_HELP } from '../../src/cli/exit.js'
import { PageHelp } from '../../src/cli/help/page-help.js'
import { everyCommand } from './every-command.js'
import { cell, table } from './markdown.js'

const WRITTEN = '<!-- Written by npm run docs:reference, from the commands themselves. -->'

const INTRO = `# Command line

${WRITTEN}

Each command and each option, in one page a subject. \`dueque <command> --help\` shows one screen of it,
\`dueque help <command>\` all. [The command line](../operations/command-line.md) describes times, colours, dry runs and progress.
`

/** The pages, by file, with the commands of each. */
const PAGES = {
  schedule: { title: 'schedule and consume', commands: ['schedule', 'consume', 'batches'] },
  waiting: { title: 'waiting messages', commands: ['list', 'show', 'count', 'cancel', 'reschedule'] },
  recurring: { title: 'recurring messages', commands: ['recurring', 'ticker'] },
  'dead-and-parked': { title: 'dead and parked messages', commands: ['dead', 'parked'] },
  broker: { title: 'look at a broker', commands: ['status', 'doctor', 'topology'] },
  processes: { title: 'processes that keep running', commands: ['relay', 'gate', 'dashboard', 'metrics'] },
  moving: { title: 'restore, migrate, leave the plugin', commands: ['journal', 'postgres', 'plugin'] },
}

/** What a page of help knows beside commander's own. */
type Noted = Command & { notes?: string }

const help = new PageHelp({ isWhole: true })

/** The pages of docs/reference: `cli.md`, and those of the folder `cli`. */
export async function cliReference(): Promise<Record<string, string>> {
  const root = await everyCommand()
  const commands = new Map(visible(root).map((one) => [one.name(), one]))
  const pages = Object.entries(PAGES).map(([file, { title, commands: names }]) => {
    const sections = names.flatMap((name) => sectionsOf(commands.get(name)!, 2))
    return [`cli/${file}.md`, [`# Commands: ${title}\n`, WRITTEN, ...sections].join('\n')] as const
  })
  return { 'cli.md': overview(root, commands), ...Object.fromEntries(pages) }
}

/** @throws Error if a command has no page */
function overview(root: Command, commands: ReadonlyMap<string, Command>): string {
  const rows = Object.entries(PAGES).flatMap(([file, { commands: names }]) =>
    names.map((name) => [
      `[\`dueque ${name}\`](cli/${file}.md#dueque-${name})`,
      cell(commands.get(name)!.description()),
    ]),
  )
  const listed: string[] = Object.values(PAGES).flatMap((page) => page.commands)
  const left = [...commands.keys()].filter((name) => !listed.includes(name))
  if (left.length > 0) throw new Error(`scripts/docs/cli-reference.ts: give a page to ${left.join(', ')}`)
  return [
    INTRO,
    table(['command', 'what it does'], rows),
    '\n## Options of every command\n',
    optionsOf(root),
    '\n## Exit codes\n',
    table(['code', 'meaning'], exitCodes()),
  ].join('\n')
}

function visible(command: Command): Command[] {
  return help.visibleCommands(command).filter((one) => one.name() !== 'help')
}

/** A command, and its subcommands below it. */
function sectionsOf(command: Noted, level: number): string[] {
  const subcommands = visible(command)
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
