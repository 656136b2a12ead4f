import { createHash } from 'node:crypto'

/** A Lua script, and the digest by which Redis knows it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

export function scriptOf(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
