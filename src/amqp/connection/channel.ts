import type { Channel, ChannelModel } from 'amqplib'
import { backoff } from '../../base/backoff.js'
import type { AmqpConnection } from './connection.js'
import { isLoss } from './failures.js'
import { closeInTime } from './close-in-time.js'

export interface ChannelHooks<C extends Channel> {
  open: (model: ChannelModel) => Promise<C>
  /** The channel is there: declare, consume, publish. A throw closes it and tries again, with back-off. */
  up: (channel: C) => void | Promise<void>
  /** The channel is gone; `error` is the broker's reason, if it gave one. */
  down: (error: Error | undefined) => void
  /** `up` failed. Return `false` to give up. */
  failed?: (error: unknown) => boolean
}

/** A channel that comes back: with its connection, and by itself when the broker closed just the channel. */
export class RecoveringChannel<C extends Channel> {
  readonly #connection: AmqpConnection
  readonly #hooks: ChannelHooks<C>
  readonly #remove: () => void
  #channel: C | undefined
  /** The channel that was last closed to open another one. */
  #renewed: C | undefined
  #stopped = false
  #closing: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0

  constructor(connection: AmqpConnection, hooks: ChannelHooks<C>) {
    this.#connection = connection
    this.#hooks = hooks
    this.#remove = connection.whenUp((model) => void this.#open(model))
  }

  get channel(): C | undefined {
    return this.#channel
  }

  /** Idempotent: each call resolves when the channel is closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Closes the channel, and opens another one. @returns whether there was one to close */
  renew(): boolean {
    const channel = this.#channel
    if (!channel || this.#renewed === channel) return false
    this.#renewed = channel
    void this.#renew(channel)
    return true
  }

  async #renew(channel: C): Promise<void> {
    const { model } = this.#connection
    const isAnswered = await closeInTime(channel.close())
    if (!isAnswered && model && this.#channel === channel) this.#connection.cut(model)
  }

  async #close(): Promise<void> {
    this.#stopped = true
    this.#remove()
    clearTimeout(this.#timer)
    const channel = this.#channel
    this.#channel = undefined
    // A connection that was destroyed answers nothing.
    if (!this.#connection.closed) await closeInTime(channel?.close())
  }

  async #open(model: ChannelModel): Promise<void> {
    clearTimeout(this.#timer)
    let channel: C | undefined
    try {
      channel = await this.#hooks.open(model)
      if (this.#stopped) {
        // A connection that is lost before the answer never gives it.
        await closeInTime(channel.close())
        return
      }
      this.#watch(channel)
      this.#channel = channel
      await this.#hooks.up(channel)
      this.#failures = 0
    } catch (error) {
      if (this.#hooks.failed?.(error) === false) {
        this.#stopped = true
        this.#remove()
      }
      if (isLoss(error)) this.#connection.suspect(model)
      if (!channel) return this.#retry()
      await closeInTime(channel.close())
      // One that was dead when it opened had no `close` to tell.
      if (this.#channel === channel) this.#lost(channel, undefined)
    }
  }

  #watch(channel: C): void {
    let failure: Error | undefined
    channel.on('error', (error: Error) => (failure = error))
    channel.on('close', () => this.#lost(channel, failure))
  }

  #lost(channel: C, failure: Error | undefined): void {
    if (this.#channel !== channel) return
    this.#channel = undefined
    this.#hooks.down(failure)
    this.#retry()
  }

  #retry(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(
      () => {
        const { model } = this.#connection
        if (model && !this.#channel) void this.#open(model)
      },
      this.#failures === 0 ? 0 : backoff(this.#failures),
    )
    this.#failures++
  }
}
