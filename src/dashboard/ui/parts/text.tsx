import { visibleParts } from '../text/visible-text.js'

interface Props {
  text: string | null
  /** Line breaks and tabs stay. */
  block?: boolean
}

/** A text of a message. It stays text: isolated from the direction of its surroundings, unseen characters as escapes. */
export function Text({ text, block = false }: Props) {
  if (text === null || text === '') return <span class="none">{text === null ? '–' : '(empty)'}</span>
  const parts = visibleParts(text, { keepBreaks: block })
  return <bdi>{parts.map(({ text: part, isEscape }) => (isEscape ? <span class="escape">{part}</span> : part))}</bdi>
}
