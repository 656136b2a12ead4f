import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

/** A terminal, and no file or pipe. */
export const isTerminal = process.stdout.isTTY
const hasColours = isTerminal && process.stdout.hasColors()

/** Text in a colour or weight; plain where nothing shows it, and with NO_COLOR. */
export function paint(style: Style, text: string): string {
  return hasColours ? styleText(style, text) : text
}

/** One line of a report: what it is about, and what there is to say. */
export function tell(label: string, text: string): void {
  console.log(`  ${paint('dim', label.padEnd(12))} ${text}`)
}
