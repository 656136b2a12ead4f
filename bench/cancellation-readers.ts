import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Ask, Seen, Start } from './cancellation-reader.js'

const READER = fileURLToPath(new URL('cancellation-reader.ts', import.meta.url))

/** A consumer in its own process. */
export interface CancellationReader {
  /** @param expected how many cancellations there are in the namespace */
  start(namespace: string, expected: number): Promise<Start>
  watch(): Promise<void>
  /** Since {@link watch}. */
  seen(): Promise<Seen>
  end(): Promise<void>
}

/** It has its own session, as a service has: Linux divides the cores by session. */
export async function cancellationReader(url: string): Promise<CancellationReader> {
  const child = fork(READER, [url], { detached: true, execArgv: [...process.execArgv] })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the reader ended: ${String(code ?? signal)}`)
  })
  ended.catch(() => undefined)
  const answer = async <A extends Answer['is']>(is: A): Promise<Extract<Answer, { is: A }>> => {
    const [told] = (await Promise.race([once(child, 'message'), ended])) as [Answer]
    if (told.is !== is) throw new Error(`the reader told '${told.is}' instead of '${is}'`)
    return told as Extract<Answer, { is: A }>
  }
  const ask = <A extends Answer['is']>(what: Ask, is: A) => {
    const answered = answer(is)
    child.send(what)
    return answered
  }
  await answer('ready')
  return {
    start: (namespace, expected) => ask({ do: 'start', namespace, expected }, 'started'),
    watch: () => ask({ do: 'watch' }, 'watching').then(() => undefined),
    seen: async () => (await ask({ do: 'tell' }, 'seen')).seen,
    end: async () => {
      child.send({ do: 'end' } satisfies Ask)
      await ended.catch(() => undefined)
    },
  }
}
