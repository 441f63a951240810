/** What happens in a simulation; `subject` and `token` of each are said where it is handled. */
export const EVENT = {
  toggle: 0,
  gone: 1,
  depart: 2,
  rejoin: 3,
  traced: 4,
  audit: 5,
  auditAgain: 6,
  detect: 7,
  corrupt: 8,
  activate: 9,
  fault: 10,
  outageEnds: 11,
  assigned: 12,
  repaired: 13,
  restored: 14,
  retry: 15,
  sample: 16,
} as const;

export type EventKind = (typeof EVENT)[keyof typeof EVENT];

/** Where things to come are noted. */
export interface Agenda {
  push(time: number, kind: EventKind, subject: number, token?: number): void;
}
