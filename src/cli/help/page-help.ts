import { Help, type Command, type Option } from 'commander'

/** Of a terminal that nobody has enlarged. */
const PAGE_LINES = 25
const [LEAST_COLUMNS, MOST_COLUMNS] = [80, 100]

/** What a page knows beside commander's own: {@link PageCommand}. */
interface Noted {
  notes?: string
}

/** Lays out the page of a command: usage, arguments and options or subcommands, examples, and where more is to be read. */
export class PageHelp extends Help {
  readonly #isWhole: boolean

  /** @param isWhole with all notes and examples, however long that is */
  constructor({ isWhole = false } = {}) {
    super()
    this.#isWhole = isWhole
  }

  override prepareContext({ helpWidth = LEAST_COLUMNS }: { helpWidth?: number | undefined }): void {
    this.helpWidth = Math.min(helpWidth, MOST_COLUMNS)
  }

  override formatHelp(command: Command): string {
    const { prose, examples } = partsOf((command as Noted).notes ?? '')
    const before = [
      ...this.#wrapped(`Usage: ${this.commandUsage(command)}`),
      ...this.#wrapped(command.description()),
      '',
      ...this.items([
        ...this.visibleArguments(command).map((one) => [one.name(), one.description] as const),
        // Those of the program itself are behind `dueque help options`.
        ...(command.parent ? command.options : []).map((one) => this.#optionItem(one)),
        ...this.visibleCommands(command).flatMap((one) =>
          one.name() === 'help' ? [] : [[termOf(one), one.description()] as const],
        ),
      ]),
    ]
    const after = this.#wrapped(`${this.#more(command)}Global options, exit codes: dueque help options`)
    const notes = this.#isWhole
      ? [...[...prose.map((one) => this.#paragraph(one)), examples].flatMap((one) => withSpace(one)), '']
      : this.#fitting(examples, PAGE_LINES - before.length - after.length)
    return `${[...before, ...notes, ...after].join('\n')}\n`
  }

  /** Two columns. */
  items(items: readonly (readonly [term: string, description: string])[]): string[] {
    const width = Math.max(...items.map(([term]) => term.length))
    return items.flatMap(([term, description]) => this.formatItem(term, width, description, this).split('\n'))
  }

  /** With its default and its variable. The description itself names the values to choose from. */
  override optionDescription({ description, defaultValue, envVar }: Option): string {
    const value: unknown = defaultValue
    const isShown = typeof value === 'string' || typeof value === 'number'
    return `${description}${isShown ? ` (default: ${value})` : ''}${envVar === undefined ? '' : ` (${envVar})`}`
  }

  #optionItem(option: Option): readonly [string, string] {
    return [this.optionTerm(option), this.optionDescription(option)]
  }

  #more(command: Command): string {
    if (this.#isWhole) return ''
    const path: string[] = []
    // A command without notes is in those of its group.
    for (let one: Command | null = command; one?.parent; one = one.parent)
      if (path.length > 0 || (one as Noted).notes) path.unshift(one.name())
    return `More: dueque help ${path.length > 0 ? path.join(' ') : '<command>'}. `
  }

  /** The first example, others as far as there are lines for them, between empty lines. One that is too wide is left out. */
  #fitting(examples: readonly string[], most: number): string[] {
    const shown: string[] = ['']
    for (const example of examples) {
      const lines = example.split('\n')
      if (lines.some(({ length }) => length > this.helpWidth!)) continue
      if (shown.length > 1 && shown.length + lines.length > most) break
      shown.push(...lines)
    }
    return shown.length > 1 && shown.length < most ? [...shown, ''] : shown
  }

  /** Lines that are indented stay as they are. */
  #paragraph(text: string): string[] {
    const lines: string[] = []
    for (const line of text.split('\n')) {
      const last = lines.at(-1)
      if (last === undefined || [last, line].some((one) => one.startsWith(' '))) lines.push(line)
      else lines[lines.length - 1] = `${last} ${line}`
    }
    return lines.flatMap((line) => (line.startsWith(' ') ? [line] : this.#wrapped(line)))
  }

  #wrapped(text: string): string[] {
    return this.boxWrap(text, this.helpWidth!).split('\n')
  }
}

/** Behind an empty line, if there are any. */
function withSpace(lines: readonly string[]): readonly string[] {
  return lines.length > 0 ? ['', ...lines] : []
}

/** Paragraphs, and examples of one line or more, whose further lines are indented. */
function partsOf(notes: string): { prose: string[]; examples: string[] } {
  const [text = '', ...examples] = notes.split(/^Examples?:\n/m)
  const [first = '', ...rest] = examples
  const [shown = '', ...behind] = first.split(/\n\n+(?=\S)/)
  return {
    prose: [text, ...behind, ...rest].flatMap((part) => part.split(/\n\n+/)).flatMap((one) => one.trim() || []),
    examples: shown.split(/\n(?= {2}\S)/).flatMap((one) => one.trimEnd() || []),
  }
}

/** `plugin|migrate`, `show <id>`. */
function termOf(command: Command): string {
  const names = [command.name(), ...command.aliases()].join('|')
  return `${names} ${command.usage().replaceAll(/\[(options|command)\] ?/g, '')}`.trimEnd()
}
