import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { everyCommand } from '../../../scripts/docs/every-command.js'
import { codeBlocksOf, pages, proseOf } from '../../support/pages.js'

/** Commands in code blocks, to which their place stands. */
interface Shown {
  place: string
  words: string[]
}

const everything = everyCommand()

/** What is parsed is not run. */
function withoutActions(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, outputError: () => undefined })
  if (command.commands.length === 0) command.action(() => undefined)
  for (const one of command.commands) withoutActions(one)
}

/** Words as a shell takes them, up to a comment, a pipe, a redirection or the next command. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [token] of line.matchAll(/(?:"(?:\\.|[^"])*"|'[^']*'|[^\s"'])+/g)) {
    if (/^(#|\||&&|;|[0-9]?>|<)/.test(token)) break
    words.push(token.replaceAll(/"((?:\\.|[^"])*)"|'([^']*)'/g, (_, double, single) => String(double ?? single)))
  }
  return words
}

/** The arguments of `dueque`, or nothing for other commands. */
function argumentsOf(line: string): string[] | undefined {
  const words = wordsOf(line)
  const at = words.findIndex((word) => !/^(\$|npx|[A-Z_]+=.*)$/.test(word))
  return words[at] === 'dueque' ? words.slice(at + 1) : undefined
}

function commandsOf(path: string, text: string): Shown[] {
  return codeBlocksOf(text)
    .filter(({ language }) => ['sh', 'bash', ''].includes(language))
    .flatMap(({ language, line, code }) => {
      const joined = code.replaceAll(/\\\n */g, '')
      return joined.split('\n').flatMap((one) => {
        // Without a language, what a terminal shows: only a line with a prompt is a command.
        const words = language === '' && !one.startsWith('$ ') ? undefined : argumentsOf(one)
        return words ? [{ place: `${path}:${line}: ${one.trim()}`, words }] : []
      })
    })
}

it('shows no command that the command line would refuse', { timeout: 120_000 }, async () => {
  const root = await everything
  withoutActions(root)
  const shown = pages().flatMap(({ path, text }) => commandsOf(path, text))
  expect(shown.length).toBeGreaterThan(50)
  const refused: string[] = []
  for (const { place, words } of shown) {
    if (words.includes('--help') || words.includes('--version')) continue
    await root.parseAsync(words, { from: 'user' }).catch((error: unknown) => refused.push(`${place}: ${String(error)}`))
  }
  expect(refused).toEqual([])
})

/** The options of `redrive` that say which messages it means. */
const CHOICE = /^--(all|limit|id|name|reason|before|after)$/

it('says in every redrive which messages it means, without which it would be refused', () => {
  const vague = pages().flatMap(({ path, text }) => {
    const inline = proseOf(text).flatMap((line, index) =>
      [...line.matchAll(/`((?:npx )?dueque [a-z]+ redrive [^`]*--[^`]*)`/g)].map(([, command]) => ({
        place: `${path}:${index + 1}: ${command}`,
        words: command!.split(' '),
      })),
    )
    const shown = [...commandsOf(path, text), ...inline].filter(({ words }) => words.includes('redrive'))
    return shown.filter(({ words }) => !words.some((word) => CHOICE.test(word))).map(({ place }) => place)
  })
  expect(vague).toEqual([])
})

/** The command that the words name, and its groups. */
function pathOf(root: Command, words: readonly string[]): Command[] {
  const path = [root]
  for (const word of words) {
    const next = path.at(-1)!.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (!next) break
    path.push(next)
  }
  return path
}

it('names no command and no option in its text that do not exist', async () => {
  const root: Command = await everything
  const unknown = pages().flatMap(({ path, text }) =>
    proseOf(text).flatMap((line, index) =>
      [...line.matchAll(/`(?:npx )?dueque ([a-z][^`]*)`/g)].flatMap(([, command]) => {
        const words = command!.split(/[\s=|]+/)
        const found = pathOf(root, words)
        const known = found.flatMap((one) => one.options.flatMap(({ long }) => long ?? []))
        const below = found.at(-1)!.commands.flatMap((one) => one.options.flatMap(({ long }) => long ?? []))
        const options = words.filter((word) => word.startsWith('--') && ![...known, ...below, '--help'].includes(word))
        const place = `${path}:${index + 1}: ${command}`
        return [
          ...(found.length === 1 ? [`${place}: no such command`] : []),
          ...options.map((one) => `${place}: ${one}`),
        ]
      }),
    ),
  )
  expect(unknown).toEqual([])
})
