import { readFileSync } from 'node:fs'
import ts from 'typescript'
import type { ErrorCode } from '../../src/base/errors.js'
import { ADVICE, GROUPS } from './error-advice.js'
import { table } from './markdown.js'

const SOURCE = new URL('../../src/base/errors.ts', import.meta.url)

const INTRO = `# Error codes

<!-- Written by npm run docs:reference, from src/base/errors.ts and scripts/docs/error-advice.ts. -->

Every error of dueque is a \`DuequeError\` with a literal \`code\`, the fields of that code in \`data\`, and the error beneath in
\`cause\`. \`isDuequeError(error, 'CONFLICT')\` tells one code from another, and TypeScript then knows \`data\`.

The error of a \`schedule\` has an \`outcome\`. \`refused\`: no message waits. \`unknown\`: the answer was lost, and the message may
wait. Repeat it with \`{ ...options, repeat: error.receipt }\`: consumers suppress the copy.

An error that no call waits for comes as the event \`error\` of the connection, and as a line of the log.
`

/** The page docs/reference/errors.md. */
export function errorReference(): string {
  const described = describedCodes()
  const sections = Object.entries(GROUPS).map(([title, codes]) => {
    const rows = Object.keys(codes).map((code) => {
      const { meaning, data } = described.get(code) ?? { meaning: '', data: [] }
      const fields = data.map((one) => `\`${one}\``).join(', ')
      return [`\`${code}\``, oneLine(meaning), fields, ADVICE[code as ErrorCode]]
    })
    return `## ${title}\n\n${table(['code', 'meaning', '`data`', 'what to do'], rows)}\n`
  })
  return [INTRO, ...sections].join('\n')
}

interface Described {
  meaning: string
  data: string[]
}

/** Of the interface ErrorData: the comment and the fields of each code. */
function describedCodes(): Map<string, Described> {
  const file = ts.createSourceFile('errors.ts', readFileSync(SOURCE, 'utf8'), ts.ScriptTarget.ES2023, true)
  const data = file.statements.find(
    (one): one is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(one) && one.name.text === 'ErrorData',
  )!
  return new Map(data.members.filter(ts.isPropertySignature).map((one) => [one.name.getText(file), describedBy(one)]))
}

function describedBy(member: ts.PropertySignature): Described {
  const [comment] = ts.getJSDocCommentsAndTags(member)
  const meaning = ts.getTextOfJSDocComment(comment?.comment) ?? ''
  const fields = member.type && ts.isTypeLiteralNode(member.type) ? member.type.members : []
  return { meaning, data: fields.map((one) => one.name?.getText() ?? '') }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
