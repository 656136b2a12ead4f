import { inspect } from 'node:util'

/** A password that needs every escape of a URL. */
export const PASSWORD = 'p@55/w0rd#geh?m%'
/** Of the management API. */
export const OTHER_PASSWORD = 'm@n4ge/#?%'

/** The password as it is, as in a URL, and as HTTP sends it. None of them occurs in any usual text. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  return [secret, encodeURIComponent(secret), encodeURI(secret), JSON.stringify(secret).slice(1, -1), base64]
}

const FORMS = [PASSWORD, OTHER_PASSWORD].flatMap(formsOf)

/** The secrets that a text contains, out of these and the two passwords. */
export function shownIn(text: string, secrets: readonly string[] = []): string[] {
  return [...FORMS, ...secrets].filter((form) => text.includes(form))
}

/** Everything that a program may print of a value: its causes, its own and hidden properties, JSON and text. */
export function everythingOf(value: unknown): string {
  const texts: string[] = []
  for (let one = value; one !== undefined && one !== null; one = (one as { cause?: unknown }).cause) {
    const names = typeof one === 'object' ? Object.getOwnPropertyNames(one) : []
    texts.push(
      inspect(one, { depth: Infinity, showHidden: true, getters: true }),
      JSON.stringify(one),
      JSON.stringify(one, names),
      one instanceof Error ? `${one.name} ${one.message} ${one.stack}` : '',
    )
  }
  return texts.join('\n')
}
