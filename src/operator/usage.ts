/** A command line that asks for nothing that there is. Its message says what would do. */
export class UsageError extends Error {}
