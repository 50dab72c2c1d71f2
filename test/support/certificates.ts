import { execFile } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A certificate with its key, in files and as PEM. */
export interface Pair {
  certFile: string
  keyFile: string
  cert: string
  key: string
}

export interface Authority extends Pair {
  /** Issues a certificate for clients and servers on this machine, for so many days. */
  issue(name: string, options?: { days?: number; purpose?: string }): Promise<Pair>
}

/** An authority of its own in a folder. Needs the openssl command, and says so. */
export async function createAuthority(folder: string, name: string): Promise<Authority> {
  async function openssl(args: string[]): Promise<void> {
    await run('openssl', args, { cwd: folder }).catch((error) => {
      const isMissing = error.code === 'ENOENT'
      throw isMissing ? new Error('this test needs openssl: install it', { cause: error }) : error
    })
  }

  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

  async function pairOf(file: string): Promise<Pair> {
    const [certFile, keyFile] = [join(folder, `${file}.pem`), join(folder, `${file}.key`)]
    await chmod(keyFile, 0o600)
    const [cert, text] = await Promise.all([certFile, keyFile].map((one) => readFile(one, 'utf8')))
    return { certFile, keyFile, cert: cert as string, key: text as string }
  }

  const own = [
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  ]
  await openssl(['req', '-x509', ...key, ...own])
  let count = 0
  return {
    ...(await pairOf(name)),
    async issue(subject, { days = 2, purpose = 'serverAuth,clientAuth' } = {}) {
      count += 1
      const file = `${name}-${count}`
      await writeFile(
        join(folder, `${file}.ext`),
        `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${purpose}\nbasicConstraints=CA:FALSE\n`,
      )
      const request = ['-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${subject}`]
      await openssl(['req', ...key, ...request])
      const by = ['-CA', `${name}.pem`, '-CAkey', `${name}.key`, '-CAcreateserial']
      const what = ['-in', `${file}.csr`, '-out', `${file}.pem`, '-extfile', `${file}.ext`]
      // A negative number of days makes a certificate that has expired.
      await openssl(['x509', '-req', ...what, ...by, '-days', String(days)])
      return pairOf(file)
    },
  }
}
