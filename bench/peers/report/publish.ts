import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { say } from '../../../scripts/broker/say.js'
import { rewriteBetween } from '../../markdown-page.js'
import type { Results } from '../results.js'
import { CONTESTANTS } from '../contestants.js'
import { WORKS } from '../works.js'
import { merged } from './merged.js'
import { plotsOf } from './plots.js'
import { sectionOf, settingsOf } from './tables.js'

const PAGE = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url))
const IMAGES = fileURLToPath(new URL('../../../docs/images/', import.meta.url))
const MARKS = ['<!-- measured: npm run bench:peers -->', '<!-- end of what was measured -->'] as const

/** Rewrites the figures and plots of docs/benchmarks.md from kept results. */
export async function publish(files: readonly string[]): Promise<void> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  const results = texts.map((text) => JSON.parse(text) as Results)
  const all = inOrder(merged(results))
  await mkdir(IMAGES, { recursive: true })
  const plots = await plotsOf(all)
  for (const [name, svg] of Object.entries(plots)) await writeFile(`${IMAGES}peers-${name}.svg`, svg)
  await writeFile(`${IMAGES}peers.json`, `${JSON.stringify(all, undefined, 1)}\n`)
  const commands = [...new Set(results.map(({ environment }) => environment.command))]
  const parts = [
    settingsOf(all),
    `To repeat it:\n\n\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n\nEvery single measurement: [peers.json](images/peers.json).`,
    ...WORKS.flatMap((work) => sectionOf(work, all) ?? []),
    ...Object.keys(plots).map((name) => `![${name}](images/peers-${name}.svg)`),
  ]
  await rewriteBetween(PAGE, MARKS, parts.join('\n\n'))
  say(`written: docs/benchmarks.md, docs/images/peers.json, ${Object.keys(plots).length} plots`)
}

/** The contestants of several runs in the order of the tables. */
function inOrder(results: Results): Results {
  const rank = (name: string) => CONTESTANTS.findIndex((one) => one.name === name)
  const sorted = Object.entries(results.contestants).toSorted(([a], [b]) => rank(a) - rank(b))
  return { ...results, contestants: Object.fromEntries(sorted) }
}
