// Starts a private Redis and a private PostgreSQL, prints their URLs, and waits to be killed: for services.test.ts.
import { postgresPrograms } from '../../scripts/services/find-postgres.js'
import { redisPrograms } from '../../scripts/services/find-redis.js'
import { PrivatePostgres } from '../../scripts/services/private-postgres.js'
import { PrivateRedis } from '../../scripts/services/private-redis.js'

const [forRedis, forPostgres] = [await redisPrograms(), await postgresPrograms()]
const redis = forRedis === undefined ? undefined : await PrivateRedis.start({ programs: forRedis })
const postgres = forPostgres === undefined ? undefined : await PrivatePostgres.start({ programs: forPostgres })
process.stdout.write(`${JSON.stringify([redis?.url ?? null, postgres?.url ?? null])}\n`)
setInterval(() => {}, 60_000)
