import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Broker } from './find-broker.js'
import { greet } from './greet.js'
import { Guard } from './guard.js'
import { ADVANCED_CONFIG } from './node-files.js'
import { poll } from './poll.js'
import { say } from './say.js'

export const IMAGE = 'rabbitmq:4.3-management'

/** Removes a container at the end of its input; the engine may still be creating it if no line came. */
const GUARD = `trap '' INT TERM HUP; created=
while read -r line; do created=$line; done
[ "$created" ] || sleep 30
docker rm --force --volumes "$1"`

/** Whether there is a Docker engine to talk to. */
export async function dockerAnswers(): Promise<boolean> {
  return docker(['info', '--format', '{{.ServerVersion}}'], 5_000).then(
    (version) => version !== '',
    () => false,
  )
}

/** Runs the official image with the settings of docker/advanced.config; undefined if the image cannot be had. */
export async function startContainer(): Promise<Broker | undefined> {
  say(`Starting a container of ${IMAGE} …`)
  const name = `dueque-${randomBytes(4).toString('hex')}`
  const guard = new Guard('sh', ['-c', GUARD, 'container-guard', name], '/')
  const stop = () => guard.release()
  const created = await createContainer(name)
  guard.tell('created')
  if (!created) {
    await stop()
    return undefined
  }
  try {
    await docker(['cp', ADVANCED_CONFIG, `${name}:/etc/rabbitmq/advanced.config`])
    await docker(['start', name])
    const url = `amqp://guest:guest@${await publishedAddress(name, 5672)}`
    const managementUrl = `http://${await publishedAddress(name, 15672)}`
    const version = await poll(async () => ((await isRunning(name)) ? greet(url, managementUrl) : 'ended'), {
      what: `RabbitMQ in container ${name} takes clients`,
      timeoutMs: 120_000,
      intervalMs: 250,
    })
    if (version === 'ended') throw new Error('the container ended')
    return { url, managementUrl, how: `RabbitMQ ${version}, a container of ${IMAGE} (${name})`, stop }
  } catch (error) {
    const log = await logOf(name)
    await stop()
    throw new Error(`Docker could not run ${IMAGE}: ${(error as Error).message}\n${log}`, { cause: error })
  }
}

/** Not with --rm: the guard removes it, and until then its log can be read. */
async function createContainer(name: string): Promise<boolean> {
  const publish = ['--publish', '127.0.0.1::5672', '--publish', '127.0.0.1::15672']
  try {
    await docker(['create', '--name', name, ...publish, IMAGE], 600_000)
    return true
  } catch (error) {
    say(`Docker has no ${IMAGE} and cannot pull it, so trying without: ${(error as Error).message.trim()}`)
    return false
  }
}

async function isRunning(name: string): Promise<boolean> {
  return (await docker(['inspect', '--format', '{{.State.Running}}', name])) === 'true'
}

async function logOf(name: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('docker', ['logs', '--tail', '20', name])
  return `${stdout}${stderr}`.trim()
}

async function publishedAddress(name: string, port: number): Promise<string> {
  const addresses = await docker(['port', name, `${port}/tcp`])
  const address = addresses.split('\n').find((line) => line.startsWith('127.0.0.1:'))
  if (!address) throw new Error(`port ${port} of container ${name} is not published`)
  return address
}

async function docker(args: string[], timeoutMs = 60_000): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, { timeout: timeoutMs })
  return stdout.trim()
}
