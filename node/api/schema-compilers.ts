import validators from '@fastify/ajv-compiler';
import serializers from '@fastify/fast-json-stringify-compiler';

/** Fastify's own compilers of schemas, in a module of their own because they are loaded late. */
export const schemaCompilers = { validators, serializers } as const;
