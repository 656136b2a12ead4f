import { RabbitMQContainer } from '@testcontainers/rabbitmq'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { getContainerRuntimeClient, ImageName, type ContainerRuntimeClient } from 'testcontainers'
import type { Broker } from './find-broker.js'
import { greet } from './greet.js'
import { Guard } from './guard.js'
import { ADVANCED_CONFIG } from './node-files.js'
import { poll } from './poll.js'
import { say } from './say.js'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const GUARD = fileURLToPath(new URL('container-guard.ts', import.meta.url))

/**
 * Runs an image of RabbitMQ with the settings of docker/advanced.config, by Testcontainers. Undefined if there is no
 * Docker engine to talk to, or if it cannot have the image.
 */
export async function startContainer(image: string): Promise<Broker | undefined> {
  const engine = await getContainerRuntimeClient().catch(() => undefined)
  if (!engine || !(await hasImage(engine, image))) return undefined
  say(`Starting a container of ${image} …`)
  const name = `dueque-${randomBytes(4).toString('hex')}`
  const guard = new Guard(process.execPath, ['--import', 'tsx', GUARD, name], PROJECT)
  const stop = () => guard.release()
  const { host } = engine.info.containerRuntime
  const container = new BrokerContainer(image, name, host, () => guard.tell('created'))
  try {
    const started = await container.start()
    const address = (port: number) => `${host === 'localhost' ? '127.0.0.1' : host}:${started.getMappedPort(port)}`
    const url = `amqp://guest:guest@${address(5672)}`
    const managementUrl = `http://${address(15672)}`
    const version = await poll(() => greet(url, managementUrl), {
      what: `RabbitMQ in container ${name} takes clients`,
      timeoutMs: 60_000,
      intervalMs: 250,
    })
    return { url, managementUrl, how: `RabbitMQ ${version}, a container of ${image} (${name})`, stop }
  } catch (error) {
    await stop()
    const log = container.lastLines.join('\n')
    throw new Error(`Docker could not run ${image}: ${(error as Error).message}\n${log}`, { cause: error })
  }
}

async function hasImage(engine: ContainerRuntimeClient, image: string): Promise<boolean> {
  const name = ImageName.fromString(image)
  try {
    if (!(await engine.image.exists(name))) say(`Docker pulls ${image} …`)
    await engine.image.pull(name)
    if (await engine.image.exists(name)) return true
    say(`Docker could not pull ${image}, so trying without`)
  } catch (error) {
    say(`Docker has no ${image} and cannot pull it, so trying without: ${(error as Error).message}`)
  }
  return false
}

class BrokerContainer extends RabbitMQContainer {
  readonly lastLines: string[] = []
  readonly #created: () => void

  constructor(image: string, name: string, host: string, created: () => void) {
    super(image)
    this.#created = created
    this.withName(name)
    this.withCopyFilesToContainer([{ source: ADVANCED_CONFIG, target: '/etc/rabbitmq/advanced.config' }])
    this.withStartupTimeout(120_000)
    this.withAutoCleanup(false) // by the guard instead: docs/decisions/013-containers-without-ryuk.md
    this.withLogConsumer((log) => log.on('data', (lines: Buffer | string) => this.#remember(String(lines))))
    // Testcontainers publishes ports on every interface. An engine of another host, or outside of the container that
    // this runs in, is not reached over the loopback interface.
    if (host === 'localhost') this.hostConfig.PortBindings = loopbackOnly(this.hostConfig.PortBindings)
  }

  protected override containerCreated(): Promise<void> {
    this.#created()
    return Promise.resolve()
  }

  #remember(lines: string): void {
    this.lastLines.push(...lines.trimEnd().split('\n'))
    this.lastLines.splice(0, this.lastLines.length - 20)
  }
}

function loopbackOnly(bindings: unknown): Record<string, { HostIp: string; HostPort: string }[]> {
  const ports = Object.keys(bindings as object)
  return Object.fromEntries(ports.map((port) => [port, [{ HostIp: '127.0.0.1', HostPort: '0' }]]))
}
