export interface TextPart {
  text: string
  /** A character that would not be seen, or that would change the order of others, as an escape. */
  isEscape: boolean
}

/**
 * Control characters, marks that change the direction of text, whatever has no width (soft hyphens, tags, fillers), separators
 * of lines, halves of surrogate pairs. Not the joiners of emoji and of Persian, nor what selects the variant of an emoji: of
 * selectors, those of rare signs can hide a text.
 */
const UNSEEN =
  /[\u{e0100}-\u{e01ef}]|(?!\u200c|\u200d|\p{Variation_Selector})[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const BREAKS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** @param keepBreaks line breaks and tabs stay, in a block of several lines */
export function visibleParts(text: string, { keepBreaks = false } = {}): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const { 0: character, index } of text.matchAll(UNSEEN)) {
    if (keepBreaks && (character === '\n' || character === '\t')) continue
    if (index > end) parts.push({ text: text.slice(end, index), isEscape: false })
    parts.push({ text: BREAKS[character] ?? escapeOf(character), isEscape: true })
    end = index + character.length
  }
  if (end < text.length) parts.push({ text: text.slice(end), isEscape: false })
  return parts
}

/** For titles and names for screen readers. */
export function visibleText(text: string): string {
  return visibleParts(text)
    .map((part) => part.text)
    .join('')
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!.toString(16)
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
}
