/** A holder that is not among the first guardians of an object looks at it so many times less often. */
export const BYSTANDER = 6;

/** However many peers there seem to be before a holder, it waits for no more turns. */
const MAX_PLACE = 32;

/** How many turns a holder at this place of the order leaves to those before it. */
export function turnOf(place: number): number {
  return Math.min(place, MAX_PLACE);
}
