import { Wait } from 'testcontainers'
import { startContainer } from './container.js'
import type { Broker } from './find-broker.js'
import { greet } from './greet.js'
import { ADVANCED_CONFIG } from './node-files.js'

/**
 * Runs an image of RabbitMQ with the settings of docker/advanced.config. Undefined if there is no Docker engine to talk
 * to, or if it cannot have the image.
 */
export async function startRabbitmqContainer(image: string): Promise<Broker | undefined> {
  const container = await startContainer({
    image,
    prepare: (container) =>
      container
        .withExposedPorts(5672, 15672)
        .withEnvironment({ RABBITMQ_DEFAULT_USER: 'guest', RABBITMQ_DEFAULT_PASS: 'guest' })
        .withCopyFilesToContainer([{ source: ADVANCED_CONFIG, target: '/etc/rabbitmq/advanced.config' }])
        .withWaitStrategy(Wait.forLogMessage('Server startup complete')),
    urls: (address) => ({ url: `amqp://guest:guest@${address(5672)}`, managementUrl: `http://${address(15672)}` }),
    greet: ({ url, managementUrl }) => greet(url, managementUrl),
  })
  if (!container) return undefined
  const { urls, version, how, stop } = container
  return { ...urls, how: `RabbitMQ ${version}, ${how}`, stop }
}
