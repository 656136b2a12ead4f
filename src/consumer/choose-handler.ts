import { Refusal } from '../message/death.js'
import type { Envelope } from '../message/envelope.js'
import type { Handler } from './delivery.js'

/** The handler for a message: the one for its name, else the one of `onAny`. A refusal says why there is no handler. */
export function chooseHandler(handlers: readonly Handler[], { name, version }: Envelope): Handler | Refusal {
  const named = handlers.find(({ definition }) => definition && definition.name === name)
  const handler = named ?? handlers.find(({ definition }) => !definition)
  if (!handler) return new Refusal('unknown-message', `no handler for messages named ${name ?? '(none)'}`)
  const { definition } = handler
  if (!definition || version === definition.version) return handler
  if (version < definition.version && definition.upgrade) return handler
  return new Refusal(
    'unknown-version',
    `version ${version} of ${definition.name}: the handler knows ${definition.version}`,
  )
}
