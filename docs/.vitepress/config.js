// The site: npm run docs. A dead link fails the build.
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath, URL } from 'node:url'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** Such as `https://github.com/owner/dueque`; known on a build server alone. */
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, DOCS_BASE: base = '/' } = env
const source = server && repository ? `${server}/${repository}` : undefined

/** The heading of a page is its name in the sidebar. */
function itemOf(page) {
  const [, title] = /^# (.*)$/m.exec(readFileSync(DOCS + page, 'utf8'))
  return { text: title.replaceAll('`', ''), link: `/${page.replace(/(^|\/)README\.md$/, '$1').replace(/\.md$/, '')}` }
}

/** The pages of a folder; its overview first. */
function pagesOf(folder) {
  const names = readdirSync(DOCS + folder).filter((name) => name.endsWith('.md'))
  const isOverview = (name) => name === 'README.md'
  return names
    .sort((a, b) => isOverview(b) - isOverview(a) || a.localeCompare(b))
    .map((name) => itemOf(posix.join(folder, name)))
}

const group = (text, items, collapsed = true) => ({ text, items, collapsed })

const sidebar = [
  group(
    'Start',
    ['getting-started.md', 'concepts.md', 'choosing.md', 'guarantees.md', 'comparison.md', 'benchmarks.md'].map(itemOf),
    false,
  ),
  group('Recipes', pagesOf('recipes')),
  group('Guides', pagesOf('guides'), false),
  group('Operations', pagesOf('operations')),
  group('Reference', pagesOf('reference')),
  group('Commands', pagesOf('reference/cli')),
  group('Wire format', [itemOf('wire-format.md'), ...pagesOf('reference/wire-format')]),
  group('Decisions', pagesOf('decisions')),
]

/** Links that leave the documentation lead to the source. Where that is not known, their text stays. */
function linkToSource(markdown) {
  const open =
    markdown.renderer.rules.link_open ?? ((tokens, at, options, _env, self) => self.renderToken(tokens, at, options))
  markdown.renderer.rules.link_open = (tokens, at, options, page, self) => {
    const href = tokens[at].attrGet('href') ?? ''
    const path = posix.join(
      posix.dirname(posix.join('docs', page.relativePath.replace(/index\.md$/, 'README.md'))),
      href,
    )
    const isOutside = !/^([a-z]+:|#|\/)/.test(href) && !path.startsWith('docs/')
    if (!isOutside) return open(tokens, at, options, page, self)
    return source === undefined ? '<a>' : `<a href="${source}/blob/main/${path}">`
  }
}

/** Headings have the names that GitHub gives them, so that a link leads to one place in both. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')

export default {
  title: 'dueque',
  description: 'Delayed messages on RabbitMQ: durable, replicated, never early.',
  base,
  // Drawings follow the scheme of the page, which a reader can choose, and not that of the system.
  head: [['style', {}, 'html { color-scheme: light } html.dark { color-scheme: dark }']],
  outDir: '../site',
  cacheDir: '../node_modules/.cache/vitepress',
  rewrites: { 'README.md': 'index.md', ':folder/README.md': ':folder/index.md' },
  cleanUrls: true,
  ignoreDeadLinks: 'localhostLinks',
  markdown: { anchor: { slugify }, config: linkToSource },
  themeConfig: {
    sidebar,
    nav: [{ text: 'API', link: '/api/', target: '_self' }],
    outline: [2, 3],
    search: { provider: 'local' },
    ...(source && { socialLinks: [{ icon: 'github', link: source }] }),
  },
}
