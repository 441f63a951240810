import type AjvCompiler from '@fastify/ajv-compiler';
import type SerializerSelector from '@fastify/fast-json-stringify-compiler';
import type { FastifyInstance } from 'fastify';
import type { schemaCompilers } from './schema-compilers.ts';

type ValidatorFactory = ReturnType<typeof AjvCompiler>;
type Validator = ReturnType<ReturnType<ValidatorFactory>>;

/**
 * Fastify's own compilers of schemas, loaded at the first request, and each schema compiled when its route is first called:
 * all of them together take a fifth of a second at the start of a node, which uses few.
 */
export class LazySchemas {
  #loaded: typeof schemaCompilers | undefined;

  readonly factory: {
    readonly buildValidator: ValidatorFactory;
    readonly buildSerializer: SerializerSelector.SerializerFactory;
  } = {
    buildValidator: (externals, options) => {
      const compiler = once(() => this.#compilers.validators()(externals, options));
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
    buildSerializer: (externals, options) => {
      const compiler = once(() => this.#compilers.serializers()(externals, options));
      return (route) => {
        const serialize = once(() => compiler()(route));
        return (data) => serialize()(data);
      };
    },
  };

  /** To be called after the guards, so that what they refuse loads nothing. */
  loadOnRequest(app: FastifyInstance): void {
    app.addHook('onRequest', async () => {
      this.#loaded ??= (await import('./schema-compilers.ts')).schemaCompilers;
    });
  }

  get #compilers(): typeof schemaCompilers {
    if (this.#loaded === undefined) throw new Error('no request has been seen');
    return this.#loaded;
  }
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
