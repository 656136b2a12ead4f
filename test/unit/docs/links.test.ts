import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, it } from 'vitest'
import { anchorsOf, filesOf, pages, proseOf, ROOT } from '../../support/pages.js'

interface SiteConfig {
  markdown: { anchor: { slugify: (heading: string) => string } }
}

const all = pages()
const anchors = new Map(all.map(({ path, text }) => [path, anchorsOf(text)]))

/** Links and images of a line that lead into the repository. */
function linksOf(line: string): string[] {
  const prose = line.replaceAll(/`[^`]*`/g, '')
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g), ...prose.matchAll(/^\[[^\]]+\]: (\S+)/g)]
  const html = [...prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g)]
  return [...inline, ...html].map(([, target]) => target!).filter((target) => !/^[a-z]+:/.test(target))
}

/** What is wrong with a link, or nothing. */
function faultOf(page: string, link: string): string | undefined {
  const [file = '', anchor] = link.split('#')
  const path = file === '' ? page : posix.join(posix.dirname(page), file)
  if (!existsSync(ROOT + path)) return 'no such file'
  return anchor === undefined || anchors.get(path)?.has(anchor) ? undefined : 'no such heading'
}

it('leads somewhere with every link, image and anchor of a page', () => {
  const dead = all.flatMap(({ path, text }) =>
    proseOf(text).flatMap((line, index) =>
      linksOf(line).flatMap((link) => {
        const fault = faultOf(path, link)
        return fault === undefined ? [] : [`${path}:${index + 1}: ${link}: ${fault}`]
      }),
    ),
  )
  expect(dead).toEqual([])
})

it('names headings on the site as links name them, which is how GitHub does', async () => {
  const config = `${ROOT}docs/.vitepress/config.js`
  const { default: site } = (await import(config)) as { default: SiteConfig }
  const headings = all
    .flatMap(({ text }) => proseOf(text).flatMap((line) => /^#{1,6} (.*)$/.exec(line)?.[1] ?? []))
    .filter((heading) => !heading.includes(']('))
  const others = headings.filter((heading) => !anchorsOf(`# ${heading}`).has(site.markdown.anchor.slugify(heading)))
  expect(headings.length).toBeGreaterThan(100)
  expect(others).toEqual([])
})

it('names no page in code, texts and comments that does not exist', () => {
  const files = ['src', 'test', 'scripts', 'bench', 'examples', 'docker'].flatMap((folder) =>
    filesOf(folder, /\.(ts|js|py|sh|yaml|config)$|^[a-z-]+$/),
  )
  const dead = files.flatMap((file) => {
    const names = readFileSync(ROOT + file, 'utf8').match(/(?<![\w/])docs\/[\w/-]+\.md/g) ?? []
    return names.filter((name) => !existsSync(ROOT + name)).map((name) => `${file}: ${name}`)
  })
  expect(dead).toEqual([])
})
