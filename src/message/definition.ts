import type { StandardSchemaV1 } from '@standard-schema/spec'
import { aFunction, checkOptions, integer, type Rules } from '../base/checks.js'
import { DuequeError, invalidOption, type PayloadIssue } from '../base/errors.js'

/**
 * A message definition: the name that travels with every message of this kind, and the schema of its payload.
 * `In` is what a producer passes; `Out` is what a handler receives, after the schema's transforms.
 */
export interface MessageDefinition<In = unknown, Out = unknown> {
  readonly name: string
  readonly version: number
  readonly schema: StandardSchemaV1<In, Out>
  readonly upgrade: ((payload: unknown, fromVersion: number) => unknown) | undefined
}

/** What a handler of this message receives: `PayloadOf<typeof reminder>`. */
export type PayloadOf<D> = D extends MessageDefinition<unknown, infer Out> ? Out : never

export interface MessageOptions {
  /** The version of the schema, a whole number from 1. Raise it when old payloads no longer fit. @default 1 */
  version?: number | undefined
  /** Turns a payload of an older version into this version's input: a message may wait for years while code changes. */
  upgrade?: ((payload: unknown, fromVersion: number) => unknown) | undefined
}

/**
 * Defines a kind of message by its name and a Standard Schema (zod, valibot, arktype, …: https://standardschema.dev).
 * A payload is checked before it is sent and parsed when it arrives.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * const reminder = defineMessage('appointment.reminder', z.object({ patient: z.string(), room: z.string() }))
 */
export function defineMessage<S extends StandardSchemaV1>(
  name: string,
  schema: S,
  options: MessageOptions = {},
): MessageDefinition<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>> {
  checkOptions(options, MESSAGE_RULES)
  const { version = 1, upgrade } = options
  if (typeof name !== 'string' || name === '' || Buffer.byteLength(name) > 255) {
    throw invalidOption('name', 'a message name of 1 to 255 bytes', name)
  }
  if (!isSchema(schema)) throw invalidOption('schema', 'a Standard Schema, such as a zod schema', schema)
  return {
    name,
    version,
    upgrade,
    schema: schema,
  }
}

const MESSAGE_RULES: Rules<MessageOptions> = { version: integer(1, 0x7fff_ffff), upgrade: aFunction }

function isSchema(schema: unknown): boolean {
  return typeof (schema as Partial<StandardSchemaV1> | null | undefined)?.['~standard']?.validate === 'function'
}

/**
 * By its shape: it may be of another copy of dueque.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function checkDefinition(message: unknown, option = 'message'): void {
  const { name, schema } = (message ?? {}) as Partial<MessageDefinition>
  if (typeof name !== 'string' || !isSchema(schema)) throw invalidOption(option, 'what defineMessage returned', message)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * The body to send: the payload as the producer gave it, as JSON. What the schema checks is what the consumer will see,
 * the payload after its way through JSON: a `z.date()` fails here, at the producer, and not weeks later. At once, unless
 * the schema takes its time.
 *
 * @throws DuequeError `INVALID_PAYLOAD` with the path of each field
 */
export function encodePayload(definition: MessageDefinition, payload: unknown): Uint8Array | Promise<Uint8Array> {
  const json = toJson(definition.name, payload)
  const encoded = ({ issues }: StandardSchemaV1.Result<unknown>) => {
    if (issues) throw invalidPayload(definition.name, issues)
    return Buffer.from(json)
  }
  const result = validate(definition, JSON.parse(json))
  return 'then' in result ? result.then(encoded) : encoded(result)
}

/**
 * What a handler receives for a body; without a definition, the JSON as it came. A promise of it, if the schema or
 * `upgrade` takes its time.
 *
 * @throws DuequeError `INVALID_PAYLOAD` with the path of each field
 */
export function decodePayload(definition: MessageDefinition | undefined, body: Uint8Array, version: number): unknown {
  const payload = parseBody(definition?.name ?? 'message', body)
  if (!definition) return payload
  if (version < definition.version && definition.upgrade) return upgraded(definition, payload, version)
  return checked(definition, payload)
}

async function upgraded(definition: MessageDefinition, payload: unknown, version: number): Promise<unknown> {
  return checked(definition, await definition.upgrade?.(payload, version))
}

function checked(definition: MessageDefinition, payload: unknown): unknown {
  const valueOf = (result: StandardSchemaV1.Result<unknown>) => {
    if (result.issues) throw invalidPayload(definition.name, result.issues)
    return result.value
  }
  const result = validate(definition, payload)
  return 'then' in result ? result.then(valueOf) : valueOf(result)
}

function validate({ schema }: MessageDefinition, payload: unknown) {
  return schema['~standard'].validate(payload)
}

function toJson(name: string, payload: unknown): string {
  try {
    const json = JSON.stringify(payload) as string | undefined
    if (json !== undefined) return json
  } catch (cause) {
    throw new DuequeError(
      'INVALID_PAYLOAD',
      `${name}: the payload cannot be written as JSON`,
      issue(name, 'cannot be written as JSON'),
      {
        cause,
      },
    )
  }
  throw new DuequeError('INVALID_PAYLOAD', `${name}: the payload has no JSON form`, issue(name, 'has no JSON form'))
}

function parseBody(name: string, body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body))
  } catch (cause) {
    const message = `${name}: the body is not JSON in UTF-8`
    throw new DuequeError('INVALID_PAYLOAD', message, issue(name, message), { cause })
  }
}

function issue(message: string, text: string) {
  return { message, issues: [{ path: '', message: text }] }
}

function invalidPayload(message: string, found: readonly StandardSchemaV1.Issue[]): DuequeError<'INVALID_PAYLOAD'> {
  const issues = found.map((one): PayloadIssue => ({ path: pathText(one.path ?? []), message: one.message }))
  const text = issues.map(({ path, message: what }) => (path === '' ? what : `${path}: ${what}`)).join('; ')
  return new DuequeError('INVALID_PAYLOAD', `${message}: ${text}`, { message, issues })
}

function pathText(path: NonNullable<StandardSchemaV1.Issue['path']>): string {
  return path.reduce<string>((text, segment) => {
    const key = typeof segment === 'object' ? segment.key : segment
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}
