import { ConsoleLogger, Logger as NestJsLogger } from '@nestjs/common'
import { Writable } from 'node:stream'
import nodeConsole from 'node:console'
import { pino } from 'pino'
import { createLogger, format, transports } from 'winston'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { ConnectOptions } from '../../../src/index.js'
import { resolveLogger, type Logger } from '../../../src/base/logger.js'
import { thrown } from '../thrown.js'

function lines(): { written: string[]; stream: Writable } {
  const written: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      written.push(...String(chunk).split('\n').filter(Boolean))
      done()
    },
  })
  return { written, stream }
}

function standardError(): string[] {
  const written: string[] = []
  const spy = vi.spyOn(nodeConsole, 'error').mockImplementation((line: string) => void written.push(line))
  onTestFinished(() => spy.mockRestore())
  return written
}

it('pino gets the data and the text, without an adapter', () => {
  const { written, stream } = lines()
  const root = pino({ level: 'debug' }, stream)
  for (const one of [root, root.child({ child: true })]) {
    const logger = resolveLogger(one)
    logger.warn('connection lost', { connection: 'c', error: 'e' })
    logger.debug('bare')
  }
  const parsed = written.map((line) => JSON.parse(line) as unknown)
  expect(parsed).toMatchObject([
    { level: 40, msg: 'connection lost', connection: 'c', error: 'e' },
    { level: 20, msg: 'bare' },
    { level: 40, msg: 'connection lost', connection: 'c', error: 'e', child: true },
    { level: 20, msg: 'bare' },
  ])
})

it('winston gets the text and the data, without an adapter', () => {
  const { written, stream } = lines()
  const transport: object = new transports.Stream({ stream })
  const own = createLogger({ level: 'debug', format: format.json(), transports: transport as never })
  const logger = resolveLogger(own)
  logger.warn('connection lost', { connection: 'c', error: 'e' })
  logger.info('bare')
  expect(written.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: 'warn', message: 'connection lost', connection: 'c', error: 'e' },
    { level: 'info', message: 'bare' },
  ])
})

it('NestJS loggers get one text per line, by the method names of NestJS', () => {
  const calls: unknown[][] = []
  class Recording extends ConsoleLogger {
    protected override printMessages(...args: Parameters<ConsoleLogger['printMessages']>) {
      calls.push(args.slice(0, 3))
    }
  }
  NestJsLogger.overrideLogger(new Recording())
  for (const one of [new Recording('Own'), new NestJsLogger('Context')]) {
    const logger = resolveLogger(one)
    logger.info('connected again', { host: 'h' })
    logger.warn('bare')
    logger.error('failed', { n: 1 })
    logger.debug('detail')
  }
  const of = (context: string) => [
    [['connected again {"host":"h"}'], context, 'log'],
    [['bare'], context, 'warn'],
    [['failed {"n":1}'], context, 'error'],
    [['detail'], context, 'debug'],
  ]
  expect(calls).toEqual([...of('Own'), ...of('Context')])
})

it('console gets the text and the data', () => {
  const spy = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  onTestFinished(() => spy.mockRestore())
  const logger = resolveLogger(console)
  logger.warn('connection lost', { connection: 'c' })
  expect(spy.mock.calls).toEqual([['connection lost', { connection: 'c' }]])
})

it('without a logger, each warning and error is one line on standard error', () => {
  const written = standardError()
  const logger = resolveLogger(undefined)
  logger.debug('no')
  logger.info('no')
  logger.warn('given up', { id: 'a\nb\u{1b}[31m\u202e\u0085', n: 1n })
  logger.error('bare')
  expect(written).toEqual([
    'dueque warn: given up {"id":"a\\nb\\u001b[31m\\u202e\\u0085","n":"1"}',
    'dueque error: bare',
  ])
})

it('false writes nothing', () => {
  const written = standardError()
  const logger = resolveLogger(false)
  logger.warn('no')
  logger.error('no')
  expect(written).toEqual([])
})

it.each<[string, unknown, string]>([
  ['null', null, 'null'],
  ['a text', 'console', '"console"'],
  ['true', true, 'true'],
  ['a bare function', () => undefined, 'one without debug, info, warn, error'],
  [
    'a logger that lacks a method',
    { info: () => undefined, warn: () => undefined, error: 5 },
    'one without debug, error',
  ],
  ['a NestJS logger that lacks one', { log: () => undefined, warn: () => undefined }, 'one without debug, info, error'],
])('%s is refused', (_, given, got) => {
  const error = thrown(() => resolveLogger(given as ConnectOptions['logger']))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'logger' } })
  expect((error as Error).message).toContain(`got ${got}`)
})

const full = new Error('the log is full')
it.each([
  [
    'throws',
    () => {
      throw full
    },
  ],
  ['is async and rejects', () => Promise.reject(full)],
  ['has a promise of another realm', () => ({ then: (_: unknown, failed: (error: unknown) => void) => failed(full) })],
])('a logger that %s does no harm, and is reported once', async (_, log) => {
  const written = standardError()
  const logger = resolveLogger({ debug: log, info: log, warn: log, error: log } as object as Logger)
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]('text', { n: 1 })
  await new Promise(setImmediate)
  expect(written).toEqual(['dueque error: the logger failed {"error":"the log is full"}'])
})
