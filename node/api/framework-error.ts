import type { FastifyError } from 'fastify';
import { ApiError, PROBLEMS } from './problem.ts';

/** The framework's own refusals, by their codes. */
export function asApiError(error: unknown): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  const { code, statusCode } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ApiError(
      'unsupported-media-type',
      'send files as application/octet-stream, all else as application/json',
    );
  }
  if (statusCode === PROBLEMS['too-large'].status) return new ApiError('too-large', error.message, { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ApiError('invalid-request', error.message, { cause: error });
  }
  return error;
}
