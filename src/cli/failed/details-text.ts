import { HEADER } from '../../message/headers.js'
import { BODY_BYTES, type FailedDetails } from '../../operate/failed/show-failed.js'
import { number } from '../progress.js'
import { cellOf, rowsText, type Column } from '../table.js'
import { plain } from '../terminal.js'
import type { Times } from '../terminal-times.js'

export function textOfDetails<S>(
  summary: S,
  columns: readonly Column<S>[],
  details: FailedDetails,
  times: Times,
): string {
  const { bytes, exchange, routingKey, encoding, body, cut } = details
  const { [HEADER.stack]: stack, ...headers } = details.headers
  const rows: [string, string][] = [
    ...columns.map(([title, of]): [string, string] => [title, cellOf(of(summary), times)]),
    ['exchange', plain(exchange)],
    ['routing key', plain(routingKey)],
    ['properties', ''],
    ...fields(details.properties),
    ['headers', ''],
    ...fields(headers),
  ]
  const how = [`${number(bytes)} bytes`, encoding === 'base64' && 'base64', cut && `the first ${BODY_BYTES}: --full`]
  const shown = body.split('\n').map(plain).join('\n')
  const where = typeof stack === 'string' ? ['stack', ...stack.split('\n').map(plain)] : []
  return [rowsText(rows), ...where, `body (${how.filter(Boolean).join(', ')})`, shown].join('\n')
}

function fields(values: Record<string, unknown>): [string, string][] {
  return Object.entries(values).map(([name, value]) => [`  ${plain(name)}`, plain(JSON.stringify(value))])
}
