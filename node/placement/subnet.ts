/** Of peers that were never seen at an IP address: they share it, since what they advertise anybody can say. */
export const UNVERIFIED_SUBNET = 'unverified';

/**
 * The network part that counts as one operator (reliability: one shard of a stripe per /24 of IPv4, /48 of IPv6).
 * Takes a multiaddr or a bare IP address; undefined when it names no IP (a DNS name, a relay).
 */
export function subnetOf(address: string): string | undefined {
  const ip = address.startsWith('/') ? ipOfMultiaddr(address) : address;
  if (ip === undefined) return undefined;
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(ip);
  return ipv4Subnet(mapped?.[1] ?? ip) ?? ipv6Subnet(ip);
}

function ipOfMultiaddr(address: string): string | undefined {
  // A relayed address begins with the relay's IP, which says nothing about the peer behind it.
  if (address.includes('/p2p-circuit')) return undefined;
  const [, protocol, value] = address.split('/', 3);
  return protocol === 'ip4' || protocol === 'ip6' ? value : undefined;
}

function ipv4Subnet(ip: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(ip);
  if (match === null || match.slice(1).some((part) => Number(part) > 255)) return undefined;
  return `${Number(match[1])}.${Number(match[2])}.${Number(match[3])}.0/24`;
}

function ipv6Subnet(ip: string): string | undefined {
  const halves = ip.split('%', 1)[0]?.split('::') ?? [];
  if (halves.length === 0 || halves.length > 2 || !ip.includes(':')) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const head = groups[0] ?? [];
  const tail = groups[1] ?? [];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 0 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (all.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const prefix = all.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/48`;
}
