import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { COMMANDS, namesOf } from '../../../../src/cli/commands.js'
import { program } from '../../../../src/cli/program.js'
import { Terminal } from '../../../../src/cli/terminal.js'

class Printed extends Terminal {
  readonly texts: string[] = []

  override print(text: string): Promise<boolean> {
    this.texts.push(text)
    return Promise.resolve(true)
  }
}

const terminal = new Printed({ json: false })
const names = COMMANDS.flatMap(({ term }) => namesOf(term))
const root = await program(names, terminal)

/** All commands, with the words by which they are called. */
function walk(command: Command, path: readonly string[] = []): [path: string, command: Command][] {
  const own: [string, Command] = [path.join(' '), command]
  return [own, ...command.commands.flatMap((one) => walk(one, [...path, one.name()]))]
}

const linesOf = (text: string) => text.trimEnd().split('\n')
const widest = (lines: readonly string[]) => Math.max(...lines.map(({ length }) => length))

async function help(...args: string[]): Promise<string> {
  terminal.texts.length = 0
  await root.parseAsync(['help', ...args], { from: 'user' })
  return terminal.texts.join('\n')
}

const all = walk(root)

it('every command is walked over', () => {
  const paths = all.map(([path]) => path)
  expect(paths).toEqual(expect.arrayContaining(['', 'schedule', 'dead redrive', 'plugin switch', 'postgres migrate']))
})

it.each(all)('%s --help fits 25 lines of 80 columns, and shows its own options alone', (path, command) => {
  const page = command.helpInformation()
  const lines = linesOf(page)
  // That of the program lists all commands.
  expect(lines.length).toBeLessThanOrEqual(path === '' ? 32 : 25)
  expect(widest(lines)).toBeLessThanOrEqual(80)
  // The last words may stand on a line of their own.
  expect(page.replaceAll('\n', ' ')).toContain('dueque help options')
  for (const { long } of root.options) expect(page).not.toContain(`  ${long} `)
  for (const { long } of command.parent ? command.options : []) expect(page).toContain(`  ${long}`)
})

it.each(all)('help %s has an example if there are any, and all notes in 100 columns', async (path, command) => {
  if (path === '') return
  const whole = await help(...path.split(' '))
  expect(widest(linesOf(whole))).toBeLessThanOrEqual(100)
  const isExample = /^ {2}(dueque|[a-z]+ .*\|) /m
  expect(isExample.test(command.helpInformation())).toBe(isExample.test(whole))
})

it('a page leaves out examples that are wider than it, and has as many as fit', async () => {
  const schedule = all.find(([path]) => path === 'schedule')![1]
  const wide = 'dueque schedule --exchange clinic --key a.2b --at 2030-01-31T09:00:00+01:00 --file reminder.json'
  expect(schedule.helpInformation()).toContain('dueque schedule --queue reminders --in 30m')
  expect(schedule.helpInformation()).not.toContain(wide)
  expect(await help('schedule')).toContain(wide)
})

it('help options has the options of the program, and the exit codes', async () => {
  const page = await help('options')
  for (const { long } of root.options) expect(page).toContain(`${long}`)
  expect(page).toMatch(/Exit codes:\n {2}0 .*\n(.*\n)+ {2}130, 143 /)
  expect(widest(linesOf(page))).toBeLessThanOrEqual(100)
})

it('help without a command is the page of the program, and of no command an error', async () => {
  expect(await help()).toBe(root.helpInformation().trimEnd())
  await expect(help('dead', 'lst')).rejects.toThrow('help: expected a command, or options, got "dead lst"')
  expect(await help('migrate', 'status')).toBe(await help('plugin', 'status'))
})

it('the first example is the first command of the README', async () => {
  const readme = await readFile('README.md', 'utf8')
  const [command] = /^dueque schedule (.*\\\n)*.*$/m.exec(root.helpInformation().replaceAll(/^ {2}/gm, ''))!
  expect(readme).toContain(`npx ${command}`)
})
