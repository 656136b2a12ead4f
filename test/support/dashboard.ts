import { readFile } from 'node:fs/promises'

export interface Query {
  panel: string
  expr: string
  legend: string
}

interface Dashboard {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[]
}

/** The queries of the Grafana dashboard, with the variables that Grafana fills in. */
export async function dashboardQueries(): Promise<Query[]> {
  const text = await readFile(new URL('../../docker/grafana/dueque.json', import.meta.url), 'utf8')
  const { panels } = JSON.parse(text) as Dashboard
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ panel: title, expr, legend: legendFormat })),
  )
}
