// Migrates and says from where to where: for migrations.test.ts, as a process of its own.
import { Pool } from 'pg'
import { migratePostgres } from '../../../src/strategies/postgres/index.js'

const [url, schema] = process.argv.slice(2)
const pool = new Pool({ connectionString: url })
process.stdout.write(JSON.stringify(await migratePostgres({ pool, schema })))
await pool.end()
