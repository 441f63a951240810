/**
 * Base of every error of Holdfast: a closed union of codes that carry data. Callers switch on `code`, never on text.
 *
 * Each module declares `type XErrorType = { code: 'a', … } | { code: 'b', … }` and `class XError extends CodedError<XErrorType>`.
 */
export class CodedError<T extends { readonly code: string }> extends Error {
  readonly type: T;

  constructor(type: T, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.type = type;
  }

  get code(): T['code'] {
    return this.type.code;
  }
}
