import type { RequestFailed } from '../data/request.js'
import { Text } from './text.js'

/** An error of the server, where it happened. */
export function Problem({ failure, retry }: { failure: RequestFailed | undefined; retry?: () => void }) {
  if (!failure) return null
  return (
    <p class="problem" role="alert">
      <Text text={failure.message} /> <code>{failure.code}</code>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </p>
  )
}
