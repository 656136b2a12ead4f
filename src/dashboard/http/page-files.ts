import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { notFound, Refused } from './refused.js'
import { importMapHash } from './security-headers.js'

/** Where the compiled pages are: for a server that runs from its source, where they are built. */
const FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/dashboard/ui/' : '../ui/', import.meta.url),
)

const PAGE = 'index.html'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
}

interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** The files of the pages. They are read once: no name in a URL is a path. */
export class PageFiles {
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined
  #hash: string | undefined

  /** Of the import map in the page, once the page was read. */
  get importMapHash(): string | undefined {
    return this.#hash
  }

  page(request: Request): Promise<Response> {
    return this.file(PAGE, request)
  }

  async file(name: string, { headers }: Request): Promise<Response> {
    this.#files ??= this.#read().catch((error: unknown) => {
      this.#files = undefined
      throw error
    })
    const file = (await this.#files).get(name)
    if (!file) throw notFound('there is no such file')
    const isKnown = headers.get('if-none-match') === file.headers['etag']
    return new Response(isKnown ? null : file.body, { status: isKnown ? 304 : 200, headers: file.headers })
  }

  async #read(): Promise<ReadonlyMap<string, PageFile>> {
    if (!existsSync(join(FOLDER, PAGE)))
      throw new Refused(503, 'NOT_FOUND', 'the pages of the dashboard are not built: npm run build')
    const entries = await readdir(FOLDER, { recursive: true, withFileTypes: true })
    const files = new Map<string, PageFile>()
    for (const entry of entries) {
      const type = TYPES[extname(entry.name)]
      if (!entry.isFile() || type === undefined) continue
      const path = join(entry.parentPath, entry.name)
      files.set(relative(FOLDER, path).replaceAll(sep, '/'), fileOf(await readFile(path), type))
    }
    const page = files.get(PAGE)
    if (page) this.#hash = importMapHash(Buffer.from(page.body).toString())
    return files
  }
}

/** It is asked for each time, and sent if it has changed. */
function fileOf(body: Uint8Array<ArrayBuffer>, type: string): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { body, headers: { 'content-type': type, 'cache-control': 'no-cache', etag } }
}
