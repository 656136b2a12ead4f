import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../broker/free-ports.js'
import { PrivateProcess } from '../broker/private-process.js'
import { serverFolder } from '../broker/server-folder.js'

export interface PrivatePrometheusOptions {
  /** Folder that holds prometheus. */
  programs: string
  /** Hosts with their ports, by job. Their path is /metrics. */
  targets: Readonly<Record<string, readonly string[]>>
}

/** A value of a query, with the labels of its series. */
export interface QueryResult {
  metric: Readonly<Record<string, string>>
  value: number
}

interface Answer<T> {
  status: string
  error?: string
  data: T
}

/** A private Prometheus, which scrapes its targets every second. */
export class PrivatePrometheus {
  /** Starts it; resolves when it answers queries. */
  static async start({ programs, targets }: PrivatePrometheusOptions): Promise<PrivatePrometheus> {
    const [port] = await freePorts(1)
    const folder = await serverFolder('dueque-prometheus-')
    const file = join(folder, 'prometheus.json')
    const jobs = Object.entries(targets).map(([name, hosts]) => ({
      job_name: name,
      static_configs: [{ targets: hosts }],
    }))
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: jobs }))
    const url = `http://127.0.0.1:${port}`
    const server = await PrivateProcess.start({
      what: `Prometheus of ${programs}`,
      folder,
      program: {
        command: join(programs, 'prometheus'),
        args: [
          `--config.file=${file}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        cwd: folder,
      },
      greet: async () => (await ask<{ version: string }>(url, 'status/buildinfo')).version,
      startTimeoutMs: 60_000,
    })
    return new PrivatePrometheus(server, url)
  }

  readonly url: string
  readonly #server: PrivateProcess

  private constructor(server: PrivateProcess, url: string) {
    this.#server = server
    this.url = url
  }

  get version(): string {
    return this.#server.version
  }

  /** The value of each series of an expression, at this moment. Fails if Prometheus does not understand it. */
  async query(expression: string): Promise<QueryResult[]> {
    const path = `query?query=${encodeURIComponent(expression)}`
    const { result } = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      this.url,
      path,
    )
    return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }))
  }

  /** Ends its processes and deletes its folder. May be called again. */
  stop(): Promise<void> {
    return this.#server.stop()
  }
}

/** @param path of the HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/ */
async function ask<T>(url: string, path: string): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}`)
  const { status, error, data } = (await response.json()) as Answer<T>
  if (status !== 'success') throw new Error(`Prometheus: ${error}`)
  return data
}
