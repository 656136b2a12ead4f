import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import {
  GenericContainer,
  getContainerRuntimeClient,
  ImageName,
  type ContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers'
import { Guard } from './guard.js'
import { poll } from './poll.js'
import { say } from './say.js'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const GUARD = fileURLToPath(new URL('container-guard.ts', import.meta.url))

export interface Contained<Urls> {
  urls: Urls
  version: string
  /** For humans: "a container of IMAGE (NAME)". */
  how: string
  stop: () => Promise<void>
}

export interface Recipe<Urls> {
  image: string
  /** Settings, exposed ports, and what its log says when it is ready. */
  prepare(container: GenericContainer): void
  /** Of the server, where `address(port)` is host and port of an exposed port. */
  urls(address: (port: number) => string): Urls
  /** Resolves to the server's version when it serves clients. */
  greet(urls: Urls): Promise<string>
}

/**
 * Runs an image by Testcontainers. Undefined without a Docker engine, or if it cannot get the image.
 */
export async function startContainer<Urls>(recipe: Recipe<Urls>): Promise<Contained<Urls> | undefined> {
  const { image } = recipe
  const engine = await getContainerRuntimeClient().catch(() => undefined)
  if (!engine || !(await hasImage(engine, image))) return undefined
  say(`Starting a container of ${image} …`)
  const name = `dueque-${randomBytes(4).toString('hex')}`
  const guard = new Guard(process.execPath, ['--import', 'tsx', GUARD, name], PROJECT)
  const stop = () => guard.release()
  const { host } = engine.info.containerRuntime
  const container = new GuardedContainer(image, name, () => guard.tell('created'))
  try {
    recipe.prepare(container)
    if (host === 'localhost') container.listenOnLoopbackOnly()
    const started = await container.start()
    const urls = recipe.urls(addresses(started, host))
    const version = await poll(() => recipe.greet(urls), {
      what: `container ${name} of ${image} takes clients`,
      timeoutMs: 60_000,
      intervalMs: 250,
    })
    return { urls, version, how: `a container of ${image} (${name})`, stop }
  } catch (error) {
    await stop()
    const log = container.lastLines.join('\n')
    throw new Error(`Docker could not run ${image}: ${(error as Error).message}\n${log}`, { cause: error })
  }
}

function addresses(started: StartedTestContainer, host: string): (port: number) => string {
  return (port) => `${host === 'localhost' ? '127.0.0.1' : host}:${started.getMappedPort(port)}`
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

class GuardedContainer extends GenericContainer {
  readonly lastLines: string[] = []
  readonly #created: () => void

  constructor(image: string, name: string, created: () => void) {
    super(image)
    this.#created = created
    this.withName(name)
    this.withStartupTimeout(120_000)
    this.withAutoCleanup(false) // by the guard instead: docs/decisions/013-containers-without-ryuk.md
    this.withLogConsumer((log) => log.on('data', (lines: Buffer | string) => this.#remember(String(lines))))
  }

  /**
   * Testcontainers publishes ports on every interface. Not for an engine of another host, or outside of the container
   * that this runs in: it is not reached over the loopback interface.
   */
  listenOnLoopbackOnly(): void {
    const ports = Object.keys(this.hostConfig.PortBindings as object)
    this.hostConfig.PortBindings = Object.fromEntries(
      ports.map((port) => [port, [{ HostIp: '127.0.0.1', HostPort: '0' }]]),
    )
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
