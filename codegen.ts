import type { CodegenConfig } from '@graphql-codegen/cli';

/** schema.graphql → typed operations, for the tests and for whoever writes a client. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['test/**/*.ts', '!test/generated/**'],
  ignoreNoDocuments: true,
  importExtension: '.js',
  generates: {
    'test/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          DateTime: 'string', Date: 'string', CountryCode: 'string', EmailAddress: 'string', URL: 'string', IPAddress: 'string',
          Upload: { input: 'File | Blob | null', output: 'never' },
        },
      },
      documentTransforms: [],
    },
  },
};

export default config;
