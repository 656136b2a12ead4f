import type { Finding } from '../../base/finding.js'
import { finding } from '../../base/finding.js'
import { errorText } from '../../base/errors.js'
import { checkPostgres } from '../../strategies/postgres/server-check.js'
import { postgresFacts } from '../../strategies/postgres/server-facts.js'
import { checkServer, factsOf, type ServerFacts } from '../../strategies/redis/server-check.js'
import { checkSurvey, surveyRedis } from '../../strategies/redis/survey.js'
import { CommandError } from '../exit.js'
import { connectPostgres } from './postgres-client.js'
import { connectRedis, type RedisConnection } from './redis-client.js'
import type { StoreSettings } from './store-options.js'

/** What `doctor` says of the stores that were chosen; nothing if none was. @throws CommandError of wrong usage */
export async function storeFindings(settings: StoreSettings): Promise<Finding[]> {
  const { redis, redisPrefix, postgres, postgresSchema } = settings
  const findings: Finding[] = []
  if (redis !== undefined) findings.push(...(await orAway('redis', 'Redis', () => redisFindings(redis, redisPrefix))))
  if (postgres !== undefined)
    findings.push(...(await orAway('postgres', 'PostgreSQL', () => postgresFindings(postgres, postgresSchema))))
  return findings
}

async function orAway(store: string, product: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof CommandError && error.code === 'USAGE') throw error
    return [finding('error', `${store}-away`, errorText(error), `see that ${product} runs, and that the URL is right`)]
  }
}

async function redisFindings(url: string, prefix: string | undefined): Promise<Finding[]> {
  const connection = await connectRedis(url, { whole: false })
  try {
    return [...checkServer(await redisFacts(connection)), ...(await contents(url, prefix))]
  } finally {
    connection.close()
  }
}

/** Of the whole cluster, if it is one. Without the permission to look there are none: the other findings say so. */
async function contents(url: string, prefix: string | undefined): Promise<Finding[]> {
  const { client, close } = await connectRedis(url, { whole: true })
  try {
    return checkSurvey(await surveyRedis(client, prefix), prefix)
  } catch {
    return []
  } finally {
    close()
  }
}

async function postgresFindings(url: string, schema: string | undefined): Promise<Finding[]> {
  const { pool, close } = await connectPostgres(url)
  try {
    return checkPostgres(await postgresFacts(pool, schema))
  } finally {
    await close()
  }
}

/** A hosted server may forbid CONFIG and INFO. */
async function redisFacts({ ask }: RedisConnection): Promise<ServerFacts> {
  const allowed = (...command: string[]) => ask(...command).catch(() => undefined)
  const info = await allowed('INFO')
  // A list of name and value, or in RESP3 an object.
  const config = Object.values((await allowed('CONFIG', 'GET', 'appendfsync')) ?? {}).at(-1) as unknown
  return {
    ...factsOf(typeof info === 'string' ? info : ''),
    appendFsync: typeof config === 'string' ? config : undefined,
  }
}
