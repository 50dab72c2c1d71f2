import { BlockList, isIP, SocketAddress } from 'node:net'

/** Addresses whose word about where a request comes from is taken. */
export type Networks = BlockList

/**
 * Networks from a list of addresses and CIDR blocks with commas between them; none from an empty text,
 * undefined where one of them is no address.
 */
export function parseNetworks(text: string): Networks | undefined {
  const networks = new BlockList()
  if (text === '') return networks
  for (const one of text.split(',').map((part) => part.trim())) {
    const [address = '', bits, ...others] = one.split('/')
    const family = isIP(address)
    const most = family === 6 ? 128 : 32
    const length = bits === undefined ? most : Number(/^\d{1,3}$/.exec(bits)?.[0] ?? Number.NaN)
    if (family === 0 || address.includes('%') || others.length > 0 || !(length <= most)) {
      return undefined
    }
    networks.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4')
  }
  return networks
}

/**
 * Where a request comes from: the address of the peer, or where that is trusted, the nearest hop of its
 * X-Forwarded-For that is not. What stands further left was written by that hop and may be anything.
 * A header that is broken before that hop is reached says nothing: the peer then counts.
 */
export function sourceOf(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: Networks,
): string {
  const nearest = addressOf(peer ?? '') ?? 'unknown'
  if (forwardedFor === undefined || !isIn(nearest, trusted)) return nearest
  let source = nearest
  for (const hop of forwardedFor.split(',').reverse()) {
    const address = addressOf(hop.trim().replace(/^(?:\[(.*)\]|([\d.]+))(?::\d{1,5})?$/, '$1$2'))
    if (address === undefined) return nearest
    source = address
    if (!isIn(address, trusted)) break
  }
  return source
}

/** What is counted as one source: an IPv4 address, or the /64 that an IPv6 host may choose from. */
export function networkOf(source: string): string {
  if (isIP(source) !== 6) return source
  const [head = '', tail] = source.split('::')
  const groups = head.split(':')
  if (tail !== undefined) {
    const last = tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  const network = groups.slice(0, 4).map((group) => group || '0')
  return `${network.join(':')}::/64`
}

function isIn(address: string, networks: Networks): boolean {
  const family = isIP(address)
  return family !== 0 && networks.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

// One spelling for each address: IPv6 shortened and in lower case, without a zone, and IPv4 that came
// over an IPv6 socket (RFC 4291 §2.5.5.2) as IPv4.
function addressOf(text: string): string | undefined {
  const [plain = ''] = text.split('%')
  const family = isIP(plain)
  if (family === 4) return plain
  if (family !== 6) return undefined
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' })
  return /^::ffff:([\d.]+)$/.exec(address)?.[1] ?? address
}
