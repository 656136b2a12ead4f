import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { say } from '../../scripts/broker/say.js'
import { markdownTable, rewriteBetween } from '../markdown-page.js'
import { svgOf, type Plot } from './plots.js'
import type { Measured } from './strategies.js'

const PAGE = fileURLToPath(new URL('../../docs/choosing.md', import.meta.url))
const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url))
const [BEGIN, END] = ['<!-- measured: npm run bench:strategies -->', '<!-- end of what was measured -->']

interface Settings {
  rate: number
  seconds: number
  count: number
}

/** Rewrites the figures and plots of docs/choosing.md. */
export async function writePage(measured: readonly Measured[], left: readonly string[], settings: Settings) {
  await mkdir(IMAGES, { recursive: true })
  for (const [name, plot] of Object.entries(plotsOf(measured, settings)))
    await writeFile(`${IMAGES}strategies-${name}.svg`, await svgOf(plot))
  await rewriteBetween(PAGE, [BEGIN, END], [tableOf(measured), left.map((one) => `- ${one}\n`).join('')].join('\n\n'))
  say('  written: docs/choosing.md, docs/images/strategies-*.svg')
}

function plotsOf(measured: readonly Measured[], { rate, seconds, count }: Settings): Record<string, Plot> {
  return {
    lateness: {
      title: `Late at ${rate}/s for ${seconds} s, delays of 1–10 s`,
      axis: 'ms (logarithmic)',
      log: true,
      bars: measured.flatMap(({ name, p50, p99 }) => [
        { name, part: 'p50', value: p50 },
        { name, part: 'p99', value: p99 },
      ]),
    },
    burst: {
      title: `${count} due at one instant`,
      axis: 'handled a second',
      bars: measured.map(({ name, drainedPerSecond }) => ({ name, value: drainedPerSecond })),
    },
    size: {
      title: 'A waiting message with a body of 200 bytes',
      axis: 'bytes (postgres: on disk, all others in memory)',
      bars: measured.map(({ name, bytes }) => ({ name, value: bytes })),
    },
    cpu: {
      title: 'CPU for a message, from schedule to ack',
      axis: 'µs',
      bars: measured.flatMap(({ name, serverCpu, producerCpu }) => [
        { name, part: 'RabbitMQ and store', value: serverCpu },
        { name, part: 'producer and relay', value: producerCpu },
      ]),
    },
  }
}

function tableOf(measured: readonly Measured[]): string {
  const head = [
    '',
    'late p50',
    'p99',
    'burst',
    'scheduling',
    'a waiting message',
    'server CPU',
    'producer CPU',
    'early',
    'lost',
  ]
  const rows = measured.map((one) => [
    `\`${one.name}\``,
    `${number(one.p50)} ms`,
    `${number(one.p99)} ms`,
    `${number(one.drainedPerSecond)}/s`,
    `${number(one.scheduledPerSecond)}/s`,
    `${number(one.bytes)} B${one.bytesAre === 'disk' ? ' on disk' : ''}`,
    `${number(one.serverCpu)} µs`,
    `${number(one.producerCpu)} µs`,
    number(one.early),
    number(one.lost),
  ])
  return markdownTable(head, rows)
}

function number(value: number): string {
  return Number.isNaN(value) ? '?' : Math.round(value).toLocaleString('en')
}
