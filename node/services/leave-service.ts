import type { LeaveService } from '../api/leave-service.ts';
import { ApiError } from '../api/problem.ts';
import { LeaveError, type Leaver } from '../leave/leaver.ts';
import { asApi } from './api-failure.ts';

/** Leaving as the API offers it. */
export function createLeaveService({ leaver }: { readonly leaver: Pick<Leaver, 'run' | 'cancel'> }): LeaveService {
  return {
    leave: (options) =>
      asApi(async () => {
        try {
          return await leaver.run(options);
        } catch (error) {
          if (error instanceof LeaveError) throw new ApiError('busy', error.message, { cause: error });
          throw error;
        }
      }),
    cancel: () => leaver.cancel(),
  };
}
