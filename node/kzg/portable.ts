/** A message and the buffers in it that move instead of being copied. */
export interface PortableMessage<T> {
  readonly value: T;
  readonly transfer: ArrayBuffer[];
}

/**
 * Prepares the bytes in an object (its fields, and lists in its fields) to cross to another thread: views of shared
 * memory go as they are; anything else is copied once, exactly its own bytes (a structured clone would copy the whole
 * buffer under a view), and the copy is transferred.
 */
export function portable<T>(input: T): PortableMessage<T> {
  const transfer: ArrayBuffer[] = [];
  const carry = (value: unknown): unknown => {
    if (value instanceof Uint8Array) {
      if (value.buffer instanceof SharedArrayBuffer) return value;
      const copy = Uint8Array.from(value);
      transfer.push(copy.buffer);
      return copy;
    }
    return Array.isArray(value) && value[0] instanceof Uint8Array ? value.map(carry) : value;
  };
  const fields = Object.entries(input as object).map(([name, value]) => [name, carry(value)]);
  return { value: Object.fromEntries(fields) as T, transfer };
}
