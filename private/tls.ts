import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { type Config, ConfigError } from './config.ts'
import { isOpenToOthers } from './secret-file.ts'

type Files = Pick<Config, 'tlsCertFile' | 'tlsKeyFile' | 'tlsClientCaFile'>

/**
 * The certificates and the key that the settings name, checked as far as can be without a client;
 * undefined where there are none. Throws a ConfigError that names the settings.
 */
export function readTls(files: Files): SecureContextOptions | undefined {
  if (files.tlsCertFile === '') return undefined
  const mistakes: string[] = []

  function read(variable: string, path: string): Buffer | undefined {
    try {
      return readFileSync(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      mistakes.push(`${variable} must name a file that can be read (${code})`)
      return undefined
    }
  }

  const cert = read('TLS_CERT_FILE', files.tlsCertFile)
  const key = read('TLS_KEY_FILE', files.tlsKeyFile)
  if (key && isOpenToOthers(files.tlsKeyFile)) {
    mistakes.push('TLS_KEY_FILE must name a file that only its owner can read: chmod 600 it')
  }
  const ca = files.tlsClientCaFile ? read('TLS_CLIENT_CA_FILE', files.tlsClientCaFile) : undefined
  if (cert && key && !isUsable({ cert, key })) {
    mistakes.push('TLS_CERT_FILE and TLS_KEY_FILE must be a certificate and its key, in PEM')
  }
  // A file without any certificate would be taken for an authority that nobody can meet.
  if (ca && !(ca.includes('-----BEGIN CERTIFICATE-----') && isUsable({ ca }))) {
    mistakes.push('TLS_CLIENT_CA_FILE must hold certificates of authorities, in PEM')
  }
  if (mistakes.length > 0 || !cert || !key) throw new ConfigError(mistakes)
  return { cert, key, ...(ca && { ca }), minVersion: 'TLSv1.2' }
}

function isUsable(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options)
    return true
  } catch {
    return false
  }
}

/** Tells one state of the files from another, without reading them. */
export function stampOfTls({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: Files): string {
  const stamps = [tlsCertFile, tlsKeyFile, tlsClientCaFile].map((path) => {
    const stat = path === '' ? undefined : statSync(path, { throwIfNoEntry: false })
    return stat && [stat.dev, stat.ino, stat.size, stat.mtimeMs, stat.mode].join(' ')
  })
  return stamps.join(', ')
}
