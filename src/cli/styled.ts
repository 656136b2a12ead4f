import { styleText } from 'node:util'
import type { Severity } from '../base/finding.js'

export type Style = 'red' | 'yellow' | 'bold' | 'dim'

/** A line of text, and how it is shown where there are colours. */
export interface StyledLine {
  readonly text: string
  readonly style?: Style | undefined
}

/** Problems stand out; everything else has no colour. */
export const STYLE_OF: Readonly<Record<Severity, Style | undefined>> = {
  ok: undefined,
  note: undefined,
  warning: 'yellow',
  error: 'red',
}

/** Coloured if the stream is a terminal that has colours, as `NO_COLOR` and `FORCE_COLOR` say. */
export function styled({ text, style }: StyledLine, stream: NodeJS.WritableStream): string {
  return style && text !== '' ? styleText(style, text, { stream }) : text
}
