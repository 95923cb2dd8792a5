import type { CodegenConfig } from '@graphql-codegen/cli';

/** schema.graphql → the typed operations of the web pages, as text: the browser neither parses nor prints them. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['src/web/**/*.{ts,tsx}', '!src/web/generated/**'],
  generates: {
    'src/web/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        documentMode: 'string',
        scalars: {
          DateTime: 'string', Date: 'string', CountryCode: 'string', EmailAddress: 'string', URL: 'string', IPAddress: 'string',
          Upload: { input: 'File | Blob | null', output: 'never' },
        },
      },
    },
  },
};

export default config;
