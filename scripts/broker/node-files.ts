import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from './free-ports.js'
import { DELAY_PLUGIN, pluginsPath } from './delay-plugin.js'
import { THIS_MACHINE, type Host } from './host.js'
import { isWithoutSync, serverFolder } from './server-folder.js'

/** The broker settings that the project recommends. */
export const ADVANCED_CONFIG = fileURLToPath(new URL('../../docker/advanced.config', import.meta.url))

/**
 * Quorum queues report their counts every 2 s instead of every 5 s, and the management API every second. More often costs a
 * node with hundreds of queues too much.
 */
const FRESH_COUNTS = [
  '-rabbit quorum_tick_interval 2000',
  '-rabbitmq_management_agent sample_retention_policies [{global,[{60,1}]},{basic,[{60,1}]},{detailed,[{10,1}]}]',
].join(' ')

/** What a node of tests that stands alone evaluates when it has started; it says why. */
const KEEP_DEAD_LETTERING = fileURLToPath(new URL('keep-dead-lettering.erl', import.meta.url))

/** The log of quorum queues is written before each confirm all the same. */
const NO_SYNC = '-ra wal_sync_method none'

export interface NodeFiles {
  folder: string
  name: string
  ports: { amqp: number; distribution: number; epmd: number; management: number }
  environment: NodeJS.ProcessEnv
  logFile: string
}

/** Shared by the nodes of a cluster: without a common epmd they do not find each other, without a cookie they refuse. */
export interface Membership {
  /** Names of all nodes. Whichever starts first is found by the others. */
  names: readonly string[]
  cookie: string
  epmdPort: number
}

interface NodeOptions {
  programs: string
  management: boolean
  plugins: readonly string[]
  advanced: boolean
  freshCounts: boolean
  name: string
  cluster: Membership | undefined
  /** Of a private network. @default this machine */
  host: Host | undefined
  netTickSeconds: number | undefined
}

export function newNodeName(host = 'localhost'): string {
  return `dueque-${randomBytes(4).toString('hex')}@${host}`
}

/** @param hosts one for each node. @default this machine */
export async function newMembership(size: number, hosts: readonly Host[] = []): Promise<Membership> {
  const [epmdPort] = await freePorts(1)
  return {
    names: Array.from({ length: size }, (_, i) => newNodeName(hosts[i]?.address)),
    cookie: newCookie(),
    epmdPort: epmdPort!,
  }
}

function newCookie(): string {
  return randomBytes(20).toString('hex')
}

/** Makes the temporary folder of a node with its configuration, and the environment in which its programs run. */
export async function prepareNode(options: NodeOptions): Promise<NodeFiles> {
  // Programs without RabbitMQ's own beside them lead into another file system: a chroot, a container.
  const folder = await serverFolder('dueque-node-', existsSync(join(options.programs, 'rabbitmq-env')))
  const inFolder = (name: string) => join(folder, name)
  const { name, cluster } = options
  const [amqp, distribution, management, ownEpmd] = (await freePorts(4)) as [number, number, number, number]
  const files: NodeFiles = {
    folder,
    name,
    ports: { amqp, distribution, epmd: cluster?.epmdPort ?? ownEpmd, management },
    environment: {},
    logFile: inFolder('rabbitmq.log'),
  }
  const configs = [...(options.advanced ? ['recommended.config'] : []), 'own.config'].map(inFolder)
  const keepDeadLettering = isWithoutSync() && !cluster && `-eval file:eval("${inFolder('keep-dead-lettering.erl')}")`
  const noSync = isWithoutSync() && NO_SYNC
  const settings = [options.freshCounts && FRESH_COUNTS, noSync, keepDeadLettering, schedulers()]
  const args = [...configs.map((file) => `-config ${file}`), ...settings.filter(Boolean)].join(' ')
  files.environment = environmentOf(files, args, options.host)

  const plugins = await pluginsPath(options.programs, files.environment)
  if (plugins !== undefined) files.environment['RABBITMQ_PLUGINS_DIR'] = plugins
  const enabled = [
    ...(options.management ? ['rabbitmq_management'] : []),
    ...(plugins === undefined ? [] : [DELAY_PLUGIN]),
    ...options.plugins,
  ]

  if (keepDeadLettering) await copyFile(KEEP_DEAD_LETTERING, inFolder('keep-dead-lettering.erl'))
  if (options.advanced) await copyFile(ADVANCED_CONFIG, inFolder('recommended.config'))
  await writeFile(inFolder('own.config'), ownSettings(management, options))
  await writeFile(inFolder('rabbitmq-env.conf'), '')
  await writeFile(inFolder('enabled_plugins'), `[${enabled.join(',')}].\n`)
  await writeFile(inFolder('.erlang.cookie'), cluster?.cookie ?? newCookie(), { mode: 0o400 })
  await Promise.all(['conf.d', 'data'].map((name) => mkdir(inFolder(name))))
  return files
}

/** `DUEQUE_NODE_SCHEDULERS=1` is for many nodes side by side: none wakes up a second core for little. */
function schedulers(): string | undefined {
  const { DUEQUE_NODE_SCHEDULERS: count } = process.env
  return count ? `+S ${count}:${count}` : undefined
}

/**
 * For Erlang itself to read. RabbitMQ reads the schemas of all plugins before it reads a rabbitmq.conf, which takes a quarter of the
 * processor time of each start.
 */
function ownSettings(managementPort: number, { freshCounts, cluster, host, netTickSeconds }: NodeOptions): string {
  const names = cluster?.names.map((name) => `'${name}'`).join(', ')
  const rabbit = [
    '{vm_memory_high_watermark, 0.4}',
    ...(host ? ['{loopback_users, []}'] : []), // guest comes from this machine
    ...(freshCounts ? ['{collect_statistics_interval, 1000}'] : []),
    // A node that has been a member finds the others by its own data.
    ...(cluster ? ['{cluster_formation, [{peer_discovery_backend, rabbit_peer_discovery_classic_config}]}'] : []),
    ...(cluster ? [`{cluster_nodes, {[${names}], disc}}`] : []),
  ]
  const kernel = netTickSeconds === undefined ? '' : `{net_ticktime, ${netTickSeconds}}`
  const listener = `{tcp_config, [{ip, "${(host ?? THIS_MACHINE).address}"}, {port, ${managementPort}}]}`
  return `[{kernel, [${kernel}]}, {rabbit, [${rabbit.join(', ')}]}, {rabbitmq_management, [${listener}]}].\n`
}

/** Every variable that could lead the node to files, names or ports outside of its folder is set or taken away. */
function environmentOf(
  { folder, name, ports, logFile }: NodeFiles,
  erlangArguments: string,
  host: Host | undefined,
): NodeJS.ProcessEnv {
  const { address } = host ?? THIS_MACHINE
  const onlyThere = `-kernel inet_dist_use_interface {${address.replaceAll('.', ',')}}`
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: folder,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: address,
    ERL_CRASH_DUMP: join(folder, 'erl_crash.dump'),
    RABBITMQ_NODENAME: name,
    RABBITMQ_NODE_IP_ADDRESS: address,
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
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${onlyThere} ${erlangArguments}`,
    RABBITMQ_CTL_ERL_ARGS: onlyThere,
    // Makes rabbitmq-server become the Erlang VM (exec) instead of a shell that waits for it, as in the Docker image.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  delete environment['NOTIFY_SOCKET']
  delete environment['RABBITMQ_USE_LONGNAME']
  if (host) environment['RABBITMQ_USE_LONGNAME'] = 'true'
  return environment
}
