import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Identity {
  cert: string
  key: string
}

/** A private certificate authority, by the program openssl. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'dueque-ca-'))
  readonly cert: string
  #count = 0

  constructor(name: string) {
    this.#openssl(['req', '-x509', ...newKey('ca'), '-subj', `/CN=${name}`, '-days', '2', '-out', 'ca.pem'])
    this.cert = this.#read('ca.pem')
  }

  /** @param days below zero for an expired certificate */
  issue(host: string, days = 1): Identity {
    const name = `host-${this.#count++}`
    writeFileSync(join(this.#folder, `${name}.ext`), `subjectAltName=DNS:${host}\n`)
    this.#openssl(['req', ...newKey(name), '-subj', `/CN=${host}`, '-out', `${name}.csr`])
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`]
    this.#openssl(['x509', '-req', '-in', `${name}.csr`, ...signer, '-days', String(days), '-out', `${name}.pem`])
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #openssl(args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' })
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), 'utf8')
  }
}

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

function newKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
}
