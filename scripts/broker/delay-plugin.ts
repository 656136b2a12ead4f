import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The delayed-message plugin, which is not part of RabbitMQ. */
export const DELAY_PLUGIN = 'rabbitmq_delayed_message_exchange'

/**
 * Where a node looks for plugins when `DUEQUE_RABBITMQ_PLUGINS` names a folder that holds the delayed-message plugin, as an
 * archive or unpacked; undefined without the variable. The plugin must be of the node's own release series.
 *
 * @throws Error if it is not in there
 */
export async function pluginsPath(programs: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { DUEQUE_RABBITMQ_PLUGINS } = process.env
  if (!DUEQUE_RABBITMQ_PLUGINS) return undefined
  const folder = resolve(DUEQUE_RABBITMQ_PLUGINS)
  const names = await readdir(folder)
  if (!names.some((name) => name.startsWith(`${DELAY_PLUGIN}-`))) {
    throw new Error(`DUEQUE_RABBITMQ_PLUGINS: no ${DELAY_PLUGIN}-* in ${folder}`)
  }
  const asked = ['directories', '--offline', '--silent']
  const { stdout } = await promisify(execFile)(join(programs, 'rabbitmq-plugins'), asked, { env })
  const own = /^Plugin archives directory: (.*)$/m.exec(stdout)?.[1]
  if (!own) throw new Error(`${programs}: rabbitmq-plugins does not say where its plugins are`)
  return [folder, ...own.split(delimiter).filter((part) => part !== folder)].join(delimiter)
}
