import { existsSync } from 'node:fs';

const PLACES = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser that suites drive; null where there is none. */
export const CHROMIUM: string | null = PLACES.find((path) => path !== undefined && existsSync(path)) ?? null;
