import type { Command } from 'commander'
import { migratePostgres, migrationSql } from '../../strategies/postgres/migrate.js'
import { usage } from '../exit.js'
import type { Settings } from '../settings.js'
import { connectPostgres } from '../stores/postgres-client.js'
import type { Terminal } from '../terminal.js'

type Options = Settings & { print?: boolean }

const HELP = `
Creates the schema in which messages wait, or brings it up to this version, in one transaction; a schema that is up to date is
left alone. Run it as a user who may create in the database, before processes with { migrate: false } start.

Examples:
  dueque postgres migrate --postgres postgres://localhost/app
  dueque postgres migrate --print | psql app   # all of it, for an empty database`

export function addPostgres(group: Command, terminal: Terminal): void {
  group
    .command('migrate')
    .description('create it, or bring it up to this version')
    .option('--print', 'print the SQL of a new schema, and ask no server')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => migrate(self.optsWithGlobals<Options>(), terminal))
}

async function migrate({ print, postgres: url, postgresSchema: schema }: Options, terminal: Terminal): Promise<void> {
  if (print) {
    for (const statement of migrationSql(schema)) await terminal.print(`${statement};\n`)
    return
  }
  if (url === undefined) throw usage('name the server: --postgres URL')
  const { pool, close } = await connectPostgres(url)
  try {
    const { from, to } = await migratePostgres({ pool, schema })
    if (terminal.json) await terminal.printJson({ from, to })
    else await terminal.print(from === to ? `up to date (version ${to})` : `migrated from version ${from} to ${to}`)
  } finally {
    await close()
  }
}
