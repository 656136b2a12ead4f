import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import { StoreHealth } from '../store/store-health.js'
import { isFull, isNoScript, isReply, isUnsent, storeError } from './failures.js'
import type { Argument, RedisPort } from './clients/port.js'
import type { Script } from './scripts/script.js'

export interface RunnerOptions {
  /** Of a script that is given none. */
  keys?: readonly string[]
  timeoutMs: number
}

/** An answer, and whether the script has certainly run once only: a client may send it again on a new connection. */
export interface Sure {
  readonly reply: unknown
  readonly isSure: boolean
}

/**
 * Runs scripts, each within `timeoutMs`. A client keeps what it is given while Redis is away, for ever if it was not told
 * otherwise, and sends it when nobody waits for it any more. So nothing is given to a client that is not connected: that
 * certainly failed. What was given and not answered in time may have been done, or may be done later.
 *
 * | what happens                                        | outcome                                          |
 * |-----------------------------------------------------|--------------------------------------------------|
 * | not connected within `timeoutMs`, or closed          | refused                                          |
 * | Redis answers with an error: OOM, LOADING, READONLY … | refused; unknown if the connection was lost meanwhile, as the client may have sent it twice |
 * | the connection is lost, or no answer in time         | unknown                                          |
 */
export class ScriptRunner {
  readonly #port: RedisPort
  readonly #options: Required<RunnerOptions>
  #ready: Promise<void> | undefined
  readonly #health = new StoreHealth()

  constructor(port: RedisPort, { keys = [], timeoutMs }: RunnerOptions) {
    this.#port = port
    this.#options = { keys, timeoutMs }
  }

  /** As far as it is known: by the client, and by the last answers. */
  get isUp(): boolean {
    const state = this.#port.state()
    return (state === 'ready' || state === 'unknown') && this.#health.isUp
  }

  /**
   * @param keys of one slot, one at least
   * @throws DuequeError `STORE_ERROR`
   */
  async run(script: Script, args: readonly Argument[], keys = this.#options.keys): Promise<unknown> {
    const begunAt = performance.now()
    const until = begunAt + this.#options.timeoutMs
    const state = this.#port.state()
    if (state === 'closed') throw storeError('the client is closed, or was not connected', 'refused')
    if (state === 'away') await this.#connected()
    const losses = this.#port.losses()
    try {
      const reply = await withTimeLimit(this.#send(script, keys, args), until - performance.now())
      this.#health.answered()
      return reply
    } catch (error) {
      // A full one goes on with all but what is new.
      if (isFull(error)) this.#health.answered()
      else this.#health.failed(begunAt)
      if (error === TIMED_OUT) throw storeError(`no answer within ${this.#options.timeoutMs} ms`, 'unknown')
      const isCertain = isUnsent(error) || (isReply(error) && this.#port.losses() === losses)
      throw storeError('failed', isCertain ? 'refused' : 'unknown', error)
    }
  }

  async runSure(script: Script, args: readonly Argument[]): Promise<Sure> {
    const losses = this.#port.losses()
    const reply = await this.run(script, args)
    return { reply, isSure: this.#port.losses() === losses }
  }

  async #send({ lua, sha }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const [key] = keys as [string]
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.#port.run('EVALSHA', key, [sha, ...rest])
    } catch (error) {
      // It was restarted, or another node has taken over.
      if (isNoScript(error)) return this.#port.run('EVAL', key, [lua, ...rest])
      throw error
    }
  }

  /** One wait for all that come meanwhile. */
  #connected(): Promise<void> {
    this.#ready ??= this.#becomeReady().finally(() => (this.#ready = undefined))
    return this.#ready
  }

  async #becomeReady(): Promise<void> {
    const { timeoutMs } = this.#options
    let forget: () => void = () => undefined
    try {
      await withTimeLimit(new Promise<void>((resolve) => (forget = this.#port.onReady(resolve))), timeoutMs)
    } catch (error) {
      throw storeError(`not connected within ${timeoutMs} ms`, 'refused', error === TIMED_OUT ? undefined : error)
    } finally {
      forget()
    }
  }
}
