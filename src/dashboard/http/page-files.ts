import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { notFound, Refused } from './refused.js'

/** Where the built pages are: for a server that runs from its source, where they are built. */
const FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/dashboard/ui/' : '../ui/', import.meta.url),
)

const PAGE = 'index.html'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
}

/** A link in the page to another file. */
const LINK = /"ui\/([\w.-]+)"/g
const TAKES_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i

interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>
  readonly gzipped: Uint8Array<ArrayBuffer>
  readonly type: string
  /** Another one for another content. */
  readonly version: string
}

/** The files of the pages. They are read once: no name in a URL is a path. */
export class PageFiles {
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined

  page(request: Request): Promise<Response> {
    return this.file(PAGE, request)
  }

  /** @throws Refused 404, and 503 if the pages are not built */
  async file(name: string, request: Request): Promise<Response> {
    this.#files ??= readAll().catch((error: unknown) => {
      this.#files = undefined
      throw error
    })
    const file = (await this.#files).get(name)
    if (!file) throw notFound('there is no such file')
    return answerOf(file, request)
  }
}

async function readAll(): Promise<ReadonlyMap<string, PageFile>> {
  if (!existsSync(join(FOLDER, PAGE)))
    throw new Refused(503, 'NOT_FOUND', 'the pages of the dashboard are not built: npm run build')
  const names = (await readdir(FOLDER)).filter((name) => Object.hasOwn(TYPES, extname(name)))
  const files = new Map<string, PageFile>()
  for (const name of names) files.set(name, fileOf(name, await readFile(join(FOLDER, name))))
  const page = Buffer.from(files.get(PAGE)!.body).toString()
  const withVersions = page.replace(LINK, (link, name: string) => {
    const file = files.get(name)
    return file ? `"ui/${name}?v=${file.version}"` : link
  })
  return files.set(PAGE, fileOf(PAGE, Buffer.from(withVersions)))
}

function fileOf(name: string, body: Uint8Array<ArrayBuffer>): PageFile {
  const version = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  return { body, gzipped: gzipSync(body), type: TYPES[extname(name)]!, version }
}

/**
 * The page itself is asked for each time, and names the version of each other file: a browser keeps that one for good. While
 * servers of two versions answer, one of them may be asked for a file of the other: nobody keeps its answer.
 */
function answerOf({ body, gzipped, type, version }: PageFile, { url, headers: asked }: Request): Response {
  const etag = `W/"${version}"`
  const isLasting = new URL(url).searchParams.get('v') === version
  const headers: Record<string, string> = {
    'content-type': type,
    'cache-control': isLasting ? 'private, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    etag,
  }
  if (asked.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  if (!TAKES_GZIP.test(asked.get('accept-encoding') ?? '')) return new Response(body, { headers })
  return new Response(gzipped, { headers: { ...headers, 'content-encoding': 'gzip' } })
}
