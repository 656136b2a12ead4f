import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { RequestFailed } from './request.js'
import { failureOf } from './use-request.js'

export interface Action {
  busy: boolean
  failure: RequestFailed | undefined
  /** Does nothing while another work is under way. */
  run: (work: () => Promise<void>) => void
}

/** A change that a user asks for: once at a time, with the error where it happened. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<RequestFailed>()
  const here = useRef(true)
  const atWork = useRef(false)
  useEffect(() => {
    here.current = true
    return () => {
      here.current = false
    }
  }, [])

  const run = useCallback((work: () => Promise<void>) => {
    if (atWork.current) return
    atWork.current = true
    setBusy(true)
    setFailure(undefined)
    work()
      .catch((error: unknown) => here.current && setFailure(failureOf(error)))
      .finally(() => {
        atWork.current = false
        if (here.current) setBusy(false)
      })
  }, [])
  return { busy, failure, run }
}
