import { createRequire } from 'node:module';
import type AjvCompiler from '@fastify/ajv-compiler';
import type SerializerSelector from '@fastify/fast-json-stringify-compiler';

type ValidatorFactory = ReturnType<typeof AjvCompiler>;
type Validator = ReturnType<ReturnType<ValidatorFactory>>;

// They are CommonJS, and need not be loaded before the first request.
const load = createRequire(import.meta.url);

/**
 * Fastify's own compilers of schemas, each schema compiled when its route is first called: all of them together take a
 * fifth of a second at the start of a node, which uses few.
 */
export const lazySchemas: {
  readonly buildValidator: ValidatorFactory;
  readonly buildSerializer: SerializerSelector.SerializerFactory;
} = {
  buildValidator(externals, options) {
    const compiler = once(() => (load('@fastify/ajv-compiler') as typeof AjvCompiler)()(externals, options));
    return (...route) => {
      const compiled = once(() => compiler()(...route));
      const validate = Object.assign(
        (data: unknown) => {
          const validator = compiled();
          const valid = validator(data);
          // Fastify reads them when the answer is false.
          validate.errors = validator.errors;
          return valid;
        },
        { errors: undefined as Validator['errors'] },
      );
      return validate as Validator;
    };
  },
  buildSerializer(externals, options) {
    const compiler = once(() =>
      (load('@fastify/fast-json-stringify-compiler') as typeof SerializerSelector)()(externals, options),
    );
    return (route) => {
      const serialize = once(() => compiler()(route));
      return (data) => serialize()(data);
    };
  },
};

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
