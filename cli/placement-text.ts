import type { PeerExplanation, PeerStanding } from '../node/api/selection-service.ts';
import { printable } from './output.ts';

/** What each reason of the API means; one that this program does not know is shown as it is. */
const REASONS: Readonly<Record<string, (standing: PeerStanding | undefined) => string>> = {
  banned: () => 'banned',
  denied: () => 'on the deny list',
  'not-allowed': () => 'not on the allow list',
  disqualified: () => 'disqualified',
  'integrity-failed': () => 'a proof of it failed lately',
  'low-integrity': (standing) => `integrity ${standing?.integrity.toFixed(2) ?? ''} is too low`,
  offline: () => 'offline',
  'no-space': () => 'too little space',
  'no-advert': () => 'has told nothing about itself lately',
  excluded: () => 'left out',
  'newcomers-full': () => 'not vetted, and the stripe has its newcomers',
  'region-full': (standing) => `region ${printable(standing?.region ?? '')} has its share`,
  'subnet-taken': (standing) => `subnet ${standing?.subnet ?? ''} is taken`,
};

export function reasonText(reason: string, standing?: PeerStanding): string {
  return Object.hasOwn(REASONS, reason) ? (REASONS[reason]?.(standing) ?? reason) : printable(reason);
}

/** One line's worth of why a peer was or was not taken. */
export function verdictText({ verdict, reasons, standing }: PeerExplanation): string {
  const why = reasons.map((reason) => reasonText(reason, standing)).join(', ');
  switch (verdict) {
    case 'holder':
      return why === '' ? 'holds shards' : `holds shards (now: ${why})`;
    case 'eligible':
      return 'may be drawn';
    case 'crowded':
      return `only when nobody else is left: ${why}`;
    case 'ineligible':
      return `not drawn: ${why}`;
  }
}
