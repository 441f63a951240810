import { METHOD_NAMES, type Method } from '../../protocol/methods.ts';

/** Bytes of frames with their prefixes, of requests and answers alike; the transport's encryption and headers come on top. */
export interface MethodTraffic {
  sent: number;
  received: number;
}

/** What one node moved since it was made. */
export type Traffic = Readonly<Record<Method, MethodTraffic>>;

export function noTraffic(): Traffic {
  return Object.fromEntries(METHOD_NAMES.map((method) => [method, { sent: 0, received: 0 }])) as unknown as Traffic;
}

export function addTraffic(a: Traffic, b: Traffic): Traffic {
  const sum = METHOD_NAMES.map((method) => [
    method,
    { sent: a[method].sent + b[method].sent, received: a[method].received + b[method].received },
  ]);
  return Object.fromEntries(sum) as Traffic;
}
