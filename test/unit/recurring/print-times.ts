import { timesOf } from './times-of.js'

const times = timesOf({ cron: '30 2 * * *', tz: 'America/New_York' }, Date.UTC(2026, 2, 6), Date.UTC(2026, 2, 11))
console.log(JSON.stringify({ timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone, times }))
