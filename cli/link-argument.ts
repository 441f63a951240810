import { LinkError, parseLink } from '../protocol/link.ts';

/** A file as the API wants it: root and, where the link has it, the key (base64url) for the header. */
export interface FileArgument {
  readonly root: string;
  readonly key?: string;
}

/** A link, with or without key, or a bare root. @throws LinkError */
export function parseFileArgument(text: string): FileArgument {
  const { root, key } = parseLink(text.startsWith('bafy') ? `holdfast:${text}` : text);
  const name = root.toString();
  // The API speaks of objects only by the one form of CID that roots have.
  if (!name.startsWith('bafyrei')) {
    throw new LinkError({ code: 'bad-root' }, 'the link does not name a file: check that it was copied completely');
  }
  return key === undefined ? { root: name } : { root: name, key: Buffer.from(key).toString('base64url') };
}

/** The key goes in a header: URLs end in logs. */
export function keyHeader(file: FileArgument): Record<string, string> {
  return file.key === undefined ? {} : { 'holdfast-key': file.key };
}
