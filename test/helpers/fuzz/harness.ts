import { RandomSource } from './random-source.ts';

/** A statement about all inputs. */
export interface Property {
  readonly name: string;
  /** Cases in a round: cheap properties are looked at more often. */
  readonly weight: number;
  /**
   * Draws an input, names its class by `describe`, and throws when the property does not hold for it. Draws nothing from
   * any other source, so that a case can be repeated.
   */
  check(random: RandomSource, describe: (inputClass: string) => void): Promise<void>;
}

export interface FuzzOptions {
  readonly seed: string;
  readonly properties: readonly Property[];
  /** Asked after each round; every property is checked at least once whatever it answers. */
  readonly enough: () => boolean;
  /** Repeats this one case only. */
  readonly only?: number | undefined;
}

/** A case that broke a property, and how to see it again. */
export class FuzzFailure extends Error {
  readonly seed: string;
  readonly number: number;
  readonly property: string;
  readonly inputClass: string;

  constructor(seed: string, number: number, property: string, inputClass: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `${property} does not hold for ${inputClass} (case ${number}): ${reason}\n` +
        `repeat it with HOLDFAST_FUZZ_SEED=${seed} HOLDFAST_FUZZ_CASE=${number}`,
      { cause },
    );
    this.seed = seed;
    this.number = number;
    this.property = property;
    this.inputClass = inputClass;
  }
}

/** Cases looked at, by property and class of input. @throws FuzzFailure at the first that breaks a property */
export async function fuzz({ seed, properties, enough, only }: FuzzOptions): Promise<Map<string, number>> {
  const round = properties.flatMap((property) => Array.from({ length: property.weight }, () => property));
  const tally = new Map<string, number>();
  const run = async (number: number) => {
    const property = round[number % round.length] as Property;
    let inputClass = 'an input that was not described';
    try {
      await property.check(new RandomSource(`${seed} ${number}`), (name) => {
        inputClass = name;
      });
    } catch (error) {
      throw new FuzzFailure(seed, number, property.name, inputClass, error);
    }
    const key = `${property.name}: ${inputClass}`;
    tally.set(key, (tally.get(key) ?? 0) + 1);
  };
  if (only !== undefined) {
    await run(only);
    return tally;
  }
  for (let first = 0; first === 0 || !enough(); first += round.length) {
    for (let i = 0; i < round.length; i++) await run(first + i);
  }
  return tally;
}
