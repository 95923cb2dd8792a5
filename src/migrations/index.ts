import { CreateSchema } from './create-schema.js';

/** Every migration, oldest first. One that has been released is never changed: a later one corrects it. */
export const migrations = [{ name: '0001-create-schema', class: CreateSchema }];
