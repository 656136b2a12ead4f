import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { useVhost } from '../support/broker.js'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../..', import.meta.url))
const vhost = useVhost()

/** Of the project, as if they were installed beside the package. */
const PACKAGES = ['@nestjs', '@standard-schema', '@types/node', 'amqplib', 'croner', 'reflect-metadata', 'rxjs', 'zod']
const PATHS = ['', '/dashboard', '/nestjs', '/otel', '/postgres', '/prometheus', '/redis', '/testing']
/** Peers of the paths. */
const PEERS = ['@opentelemetry', 'prom-client', 'pg', 'ioredis', 'redis']

const APP = `
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { defineMessage, DuequeError, isDuequeError, type Delivery, type PayloadOf } from 'dueque'
import { DuequeModule, InjectDueque, OnMessage, type DuequeConnection } from 'dueque/nestjs'
import { z } from 'zod'

const reminder = defineMessage('reminder', z.object({ patient: z.string() }))

export class Names {
  readonly first = 'p-7'
}

@Injectable()
export class Reminders {
  constructor(@InjectDueque() readonly mq: DuequeConnection, private readonly names: Names) {}

  book() {
    return this.mq.schedule(reminder, { patient: this.names.first }, { to: { queue: 'reminders' }, in: 50 })
  }

  @OnMessage(reminder, { queue: 'reminders' })
  remind({ payload, latenessMs }: Delivery<PayloadOf<typeof reminder>>) {
    console.log('remind', payload.patient, latenessMs >= 0)
  }
}

@Module({ imports: [DuequeModule.forRoot({ url: process.env['AMQP_URL']! })], providers: [Reminders, Names] })
export class AppModule {}

async function main() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] })
  app.enableShutdownHooks()
  const error: unknown = await app.get(Reminders).mq.schedule(reminder, {} as never, { to: { queue: 'q' }, in: 1 }).catch((e) => e)
  if (isDuequeError(error, 'INVALID_PAYLOAD')) console.log(error.data.issues[0]?.path, error instanceof DuequeError)
  await app.get(Reminders).book()
}
if (require.main === module) void main()
`

const JEST = `
import { Test } from '@nestjs/testing'
import { getDuequeToken } from 'dueque/nestjs'
import { testDueque } from 'dueque/testing'
import { AppModule, Reminders } from './app'

test('reminds', async () => {
  const { mq, clock, delivered } = await testDueque()
  const compiling = Test.createTestingModule({ imports: [AppModule] }).overrideProvider(getDuequeToken()).useValue(mq)
  const app = await (await compiling.compile()).init()
  await app.get(Reminders).book()
  await clock.advance(50)
  expect(delivered('reminders')).toMatchObject([{ payload: { patient: 'p-7' } }])
  await app.close()
})
`

describe('the packed package in a CommonJS project', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dueque-commonjs-'))
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root })
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
    await mkdir(join(folder, 'node_modules/dueque'), { recursive: true })
    await run('tar', ['xzf', filename, '--strip-components=1', '-C', 'node_modules/dueque'], { cwd: folder })
    for (const name of [...PACKAGES, ...PEERS]) {
      await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
      await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    }
    await writeFile(join(folder, 'package.json'), '{ "private": true }')
    await writeFile(join(folder, 'app.ts'), APP)
    await writeFile(join(folder, 'app.test.ts'), JEST)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is required by every path without a warning, and is the same as when it is imported', async () => {
    const program = `
      const required = ${JSON.stringify(PATHS)}.map((path) => require('dueque' + path))
      console.log(required.map((one) => Object.keys(one).length > 0).join())
      import('dueque').then(({ DuequeError }) => console.log(DuequeError === required[0].DuequeError))`
    const { stdout, stderr } = await run('node', ['--eval', program], { cwd: folder })
    expect([stdout, stderr]).toEqual([`${PATHS.map(() => 'true').join()}\ntrue\n`, ''])
  })

  test(
    'resolves its types in every way, in CommonJS and in ES modules, and compiles an application',
    { timeout: 120_000 },
    async () => {
      const imports = PATHS.map((path, i) => `import * as all${i} from 'dueque${path}'; void all${i}\n`).join('')
      const uses = `import { DuequeError, connect, type Dueque } from 'dueque'
      export const work: () => Promise<Dueque> = () => connect()
      export const code = (error: DuequeError<'CLOSED'>): 'CLOSED' => error.code
      // @ts-expect-error: there is no such option
      void connect({ uri: '' })\n`
      for (const extension of ['ts', 'cts', 'mts']) await writeFile(join(folder, `sample.${extension}`), imports + uses)
      const faults = compile(folder, {
        node10: [['sample.ts'], { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }],
        node16: [['sample.cts', 'sample.mts', 'app.ts'], { module: 'node16' }],
        nodenext: [['sample.cts', 'sample.mts'], { module: 'nodenext' }],
        bundler: [['sample.ts'], { module: 'esnext', moduleResolution: 'bundler' }],
      })
      expect(faults).toEqual({ node10: [], node16: [], nodenext: [], bundler: [] })
      expect(await readFile(join(folder, 'app.js'), 'utf8')).toContain('require("dueque/nestjs")')
    },
  )

  test('runs an application of NestJS, which ends gracefully', async () => {
    const env = { ...process.env, AMQP_URL: vhost.url }
    const child = spawn('node', ['app.js'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines: string[] = []
    for await (const line of createInterface(child.stdout)) {
      lines.push(line)
      if (line.startsWith('remind')) child.kill('SIGTERM')
    }
    expect(lines).toEqual(['patient true', 'remind p-7 true'])
    expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGTERM')
  })

  test('is tested by jest as it comes, if that may transform the package', { timeout: 120_000 }, async () => {
    const compilerOptions = { ...COMPILER_OPTIONS, module: 'commonjs', allowJs: true }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    const config = {
      transform: { '^.+\\.(t|j)s$': [require.resolve('ts-jest'), { isolatedModules: true }] },
      transformIgnorePatterns: ['/node_modules/(?!dueque/)'],
    }
    await writeFile(join(folder, 'jest.config.json'), JSON.stringify(config))
    const { stderr } = await run('node', [require.resolve('jest/bin/jest'), '--ci'], { cwd: folder })
    expect(stderr).toMatch(/Tests: +1 passed, 1 total/)
  })
})

type Programs = Record<string, [files: readonly string[], options: object]>

/** The faults of each program and of the package's own types. The application is compiled. Libraries are read once. */
function compile(folder: string, programs: Programs): Record<string, string[]> {
  const libraries = new Map<string, ts.SourceFile | undefined>()
  const all = Object.entries(programs).map(([name, [files, given]]) => {
    const { options } = ts.convertCompilerOptionsFromJson({ ...COMPILER_OPTIONS, ...given }, folder)
    const host = ts.createCompilerHost(options)
    const getSourceFile = host.getSourceFile.bind(host)
    host.getCurrentDirectory = () => folder
    host.getSourceFile = (file, ...others) => {
      if (!/\/lib\.[^/]*\.d\.ts$/.test(file)) return getSourceFile(file, ...others)
      if (!libraries.has(file)) libraries.set(file, getSourceFile(file, ...others))
      return libraries.get(file)
    }
    const paths = files.map((file) => join(folder, file))
    const program = ts.createProgram(paths, options, host)
    const own = program.getSourceFiles().filter(({ fileName }) => OWN.test(fileName))
    const faults = [...program.getOptionsDiagnostics(), ...own.flatMap((file) => program.getSemanticDiagnostics(file))]
    const app = program.getSourceFile(join(folder, 'app.ts'))
    if (app) program.emit(app)
    return [name, faults.map((fault) => ts.formatDiagnostic(fault, host))]
  })
  return Object.fromEntries(all) as Record<string, string[]>
}

const OWN = /\/(sample|app)\.|dueque\/dist\/.*index\.d\.c?ts$/

const COMPILER_OPTIONS = {
  strict: true,
  target: 'es2022',
  types: ['node'],
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
}
