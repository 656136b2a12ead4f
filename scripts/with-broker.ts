// with-broker.ts [--] COMMAND [ARGUMENT …]: runs a command with a broker to work on (see broker/find-broker.ts), in
// AMQP_URL, RABBITMQ_MANAGEMENT_URL and, for more nodes of the same programs, DUEQUE_RABBITMQ_BIN. Exits as it does.
import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { findBroker, type Broker } from './broker/find-broker.js'
import { say } from './broker/say.js'

let child: ChildProcess | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!child) process.exit(128 + constants.signals[signal]) // while a broker starts: its guard removes it
    // Ctrl-C in a terminal has reached the command already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}

const [command, ...args] = process.argv.slice(process.argv[2] === '--' ? 3 : 2)
if (command === undefined) {
  say('usage: with-broker.ts [--] COMMAND [ARGUMENT …]')
  process.exit(2)
}

try {
  const broker = await findBroker()
  say(`Broker: ${broker.how}`)
  try {
    process.exitCode = await run(command, args, environmentFor(broker))
  } finally {
    await broker.stop()
  }
} catch (error) {
  say((error as Error).message)
  process.exitCode = 1
}

function environmentFor({ url, managementUrl, node }: Broker): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AMQP_URL: url,
    ...(managementUrl !== undefined && { RABBITMQ_MANAGEMENT_URL: managementUrl }),
    ...(node && { DUEQUE_RABBITMQ_BIN: node.programs }),
  }
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    child = spawn(command, args, { env, stdio: 'inherit' })
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}
