import { randomBytes, randomInt } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The broker settings that the project recommends. */
export const ADVANCED_CONFIG = fileURLToPath(new URL('../../docker/advanced.config', import.meta.url))

const ONLY_LOOPBACK = '-kernel inet_dist_use_interface {127,0,0,1}'

/** Counts in the management API are at most 2 seconds old instead of 10: some tests wait for them. */
const FRESH_COUNTS = [
  '-rabbit quorum_tick_interval 1000',
  '-rabbitmq_management_agent sample_retention_policies [{global,[{60,1}]},{basic,[{60,1}]},{detailed,[{10,1}]}]',
].join(' ')

export interface NodeFiles {
  folder: string
  name: string
  ports: { amqp: number; distribution: number; epmd: number; management: number }
  environment: NodeJS.ProcessEnv
  logFile: string
  outputFile: string
}

/** Makes the temporary folder of a node with its configuration, and the environment in which its programs run. */
export async function prepareNode(options: { management: boolean; advanced: boolean }): Promise<NodeFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'dueque-node-'))
  const inFolder = (name: string) => join(folder, name)
  const [amqp, distribution, epmd, management] = await freePorts()
  const files: NodeFiles = {
    folder,
    name: `dueque-${randomBytes(4).toString('hex')}@localhost`,
    ports: { amqp, distribution, epmd, management },
    environment: {},
    logFile: inFolder('rabbitmq.log'),
    outputFile: inFolder('output.log'),
  }
  files.environment = environmentOf(files)

  const advanced = inFolder('advanced.config')
  await (options.advanced ? copyFile(ADVANCED_CONFIG, advanced) : writeFile(advanced, '[].\n'))
  await writeFile(inFolder('rabbitmq.conf'), configuration(management))
  await writeFile(inFolder('rabbitmq-env.conf'), '')
  await writeFile(inFolder('enabled_plugins'), options.management ? '[rabbitmq_management].\n' : '[].\n')
  await writeFile(inFolder('.erlang.cookie'), randomBytes(20).toString('hex'), { mode: 0o400 })
  await Promise.all(['conf.d', 'data'].map((name) => mkdir(inFolder(name))))
  return files
}

function configuration(managementPort: number): string {
  return [
    'default_user = guest',
    'default_pass = guest',
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${managementPort}`,
    'disk_free_limit.absolute = 50MB',
    'vm_memory_high_watermark.relative = 0.4',
    'log.file.level = info',
    'collect_statistics_interval = 1000', // see FRESH_COUNTS
    '',
  ].join('\n')
}

/** Every variable that could lead the node to files, names or ports outside of its folder is set or taken away. */
function environmentOf({ folder, name, ports, logFile }: NodeFiles): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: folder,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP: join(folder, 'erl_crash.dump'),
    RABBITMQ_NODENAME: name,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_LOGS: logFile,
    RABBITMQ_PID_FILE: join(folder, 'rabbitmq.pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${ONLY_LOOPBACK} ${FRESH_COUNTS}`,
    RABBITMQ_CTL_ERL_ARGS: ONLY_LOOPBACK,
    // Makes rabbitmq-server become the Erlang VM (exec) instead of a shell that waits for it, as in the Docker image.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  delete environment['NOTIFY_SOCKET']
  delete environment['RABBITMQ_USE_LONGNAME']
  return environment
}

/**
 * Ports that nobody listens on now. Below the range from which systems take the ports of outgoing connections (Linux
 * from 32768), so that a port stays free while its node is down; and a client that keeps trying such a port of its own
 * host could even end up connected to itself.
 */
async function freePorts(): Promise<[number, number, number, number]> {
  const found = new Set<number>()
  while (found.size < 4) {
    const port = randomInt(10_000, 32_000)
    if (await isFree(port)) found.add(port)
  }
  return [...found] as [number, number, number, number]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
