import { createRequire } from 'node:module'
import { PrismaPg } from '@prisma/adapter-pg'
import { getPrismaClient } from '@prisma/client/runtime/client'
import { fromPrisma } from '../../../../src/strategies/postgres/index.js'
import type { Orm } from './orm.js'

const require = createRequire(import.meta.url)
const { Module } = Reflect.get(globalThis, 'WebAssembly') as { Module: new (bytes: Uint8Array) => unknown }
const COMPILER = '@prisma/client/runtime/query_compiler_fast_bg.postgresql'

type Config = Parameters<typeof getPrismaClient>[0]

/**
 * As the generator `prisma-client` writes it for a schema without models. The generator itself is not installed, because it
 * downloads an engine; client, query compiler and driver adapter are the real ones.
 */
const PrismaClient = getPrismaClient({
  previewFeatures: [],
  clientVersion: '7.10.0',
  engineVersion: '',
  activeProvider: 'postgresql',
  inlineSchema: 'datasource db {\n  provider = "postgresql"\n}\n',
  runtimeDataModel: { models: {}, enums: {}, types: {} },
  parameterizationSchema: { strings: [], graph: 'AAAA' },
  compilerWasm: {
    getRuntime: () => Promise.resolve(require(`${COMPILER}.js`) as Awaited<ReturnType<CompilerWasm['getRuntime']>>),
    getQueryCompilerWasmModule() {
      const { wasm } = require(`${COMPILER}.wasm-base64.js`) as { wasm: string }
      return Promise.resolve(new Module(Buffer.from(wasm, 'base64')))
    },
    importName: './query_compiler_fast_bg.js',
  },
})
type CompilerWasm = NonNullable<Config['compilerWasm']>
type Client = InstanceType<typeof PrismaClient>

export function openPrisma(url: string): Orm {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 2 }) })
  return {
    from: fromPrisma,
    pool: prisma,
    transaction: (work) =>
      prisma.$transaction((own: Omit<Client, '$connect'>) =>
        work({
          ...{ own, transaction: fromPrisma(own), run: (sql) => own.$executeRawUnsafe(sql) },
          nested: (inside) => own.$transaction((inner: Omit<Client, '$connect'>) => inside(fromPrisma(inner))),
        }),
      ) as ReturnType<typeof work>,
    end: () => prisma.$disconnect(),
  }
}
