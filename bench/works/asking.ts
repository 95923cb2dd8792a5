import type { Server } from '../contenders/server.ts';

/** Asks one thing of a server. Throws where it is refused. */
export async function asked<Data>({ url, headers }: Pick<Server, 'url' | 'headers'>, more: Readonly<Record<string, string>>, query: string, variables: object): Promise<Data> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers, ...more }, body: JSON.stringify({ query, variables }) });
  return dataOf<Data>(response);
}

/** The data of an answer. Throws where it has errors. */
export async function dataOf<Data>(response: Response): Promise<Data> {
  const text = await response.text();
  if (!response.ok || text.includes('"errors":')) throw new Error(`${response.status} ${text.slice(0, 1_000)}`);
  return (JSON.parse(text) as { data: Data }).data;
}
