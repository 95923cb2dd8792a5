// Libraries look at it as they are loaded: what they check for developers alone would cost every request, graphql-js with every field.
process.env['NODE_ENV'] ??= 'production';
