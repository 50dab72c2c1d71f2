import { connect, type Socket } from 'node:net'

/** What came over a connection until it was closed, and when that was. */
export interface RawAnswer {
  text: string
  status: number
  headers: Record<string, string>
  body: string
  /** From the first byte that was sent to the close, in ms. */
  ms: number
}

/** Opens a connection to a service. */
export function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Sends bytes as they are (latin1) and reads until the service closes, or `patienceMs` are over. */
export async function sendRaw(url: string, bytes: string, patienceMs = 5_000): Promise<RawAnswer> {
  const socket = await open(url)
  socket.write(bytes, 'latin1')
  return readToEnd(socket, patienceMs)
}

/** Reads until the service closes, or `patienceMs` are over. */
export async function readToEnd(socket: Socket, patienceMs: number): Promise<RawAnswer> {
  const begun = performance.now()
  let text = ''
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part
  })
  socket.on('error', () => undefined)
  const timer = setTimeout(() => socket.destroy(), patienceMs)
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(timer)
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((one) => [one.split(': ', 1)[0]?.toLowerCase() ?? '', one.replace(/^[^:]*: /, '')]),
  )
  const ms = performance.now() - begun
  return { text, status: Number(line.split(' ')[1]), headers, body: rest.join('\r\n\r\n'), ms }
}
