import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Trouble } from '../../scripts/checker/history.js'
import { namespaceOf, OPERATED_QUEUE } from './queues.js'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** In turn. */
const COMMANDS = [
  ['batches', 'unpack', OPERATED_QUEUE],
  ['dead', 'redrive', OPERATED_QUEUE, '--all'],
] as const
const PAUSE_MS = 3000
/** One in so many is killed, at random within so long. */
const [KILLED_ONE_IN, KILLED_WITHIN_MS] = [4, 4000]
/** A node that stands still lets a command wait. */
const LIMIT_MS = 60_000

/** Unpacks batches and redrives dead messages by the command line, over and over. Some commands are killed half-way. */
export class Operator {
  /** The number of commands, by name and by how they ended. */
  readonly done = new Map<string, number>()
  /** Times in which a command did not end as it should. */
  readonly troubles: Trouble[] = []
  readonly #urls: readonly string[]
  readonly #random: () => number
  readonly #ending = new AbortController()
  #kills = true
  #running: ChildProcess | undefined
  #work: Promise<void> | undefined

  constructor(urls: readonly string[], random: () => number) {
    this.#urls = urls
    this.#random = random
  }

  begin(): void {
    this.#work = this.#repeat()
  }

  /** Kills no more. */
  calm(): void {
    this.#kills = false
  }

  /** Resolves when the last command has ended. */
  async end(): Promise<void> {
    this.#ending.abort()
    await this.#work
  }

  /** Kills the running command, and begins no other. */
  stop(): void {
    this.#ending.abort()
    this.#running?.kill('SIGKILL')
  }

  async #repeat(): Promise<void> {
    const { signal } = this.#ending
    for (let n = 0; !signal.aborted; n++) {
      await this.#run(COMMANDS[n % COMMANDS.length]!)
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #run(command: readonly string[]): Promise<void> {
    const isKilled = this.#kills && this.#random() < 1 / KILLED_ONE_IN
    const from = Date.now()
    const urls = this.#urls.flatMap((url) => ['--url', url])
    const args = [CLI, ...command, '--json', '--namespace', namespaceOf('ladder'), ...urls]
    const child = (this.#running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] }))
    const output = text(child.stdout)
    const late = setTimeout(() => child.kill('SIGKILL'), isKilled ? this.#random() * KILLED_WITHIN_MS : LIMIT_MS)
    const [code] = (await once(child, 'exit')) as [number | null]
    clearTimeout(late)
    const name = command.slice(0, 2).join(' ')
    const how = `${name} ${code === 0 ? 'ended' : code === null ? 'killed' : 'failed'}`
    this.#count(how, 1)
    if (code === 0) this.#countMessages(name, await output)
    if (code !== 0) this.troubles.push({ what: `the command ${how}`, process: 'operator', from, to: Date.now() })
  }
  /** Of a redrive each line is a message. Unpacking prints a summary. */
  #countMessages(name: string, output: string): void {
    const lines = output.split('\n').filter((line) => line !== '')
    if (name === 'dead redrive') return this.#count('messages redriven', lines.length)
    const { batches, messages } = JSON.parse(lines[0]!) as { batches: number; messages: number }
    this.#count('batches unpacked', batches)
    this.#count('messages in them', messages)
  }

  #count(what: string, more: number): void {
    this.done.set(what, (this.done.get(what) ?? 0) + more)
  }
}
