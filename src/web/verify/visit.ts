import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { mayBeShown, tell } from './embedding';
import { createGateway, failureBy, run, runOnce, type Gateway } from './gateway';
import { watch } from './live';
import { CUSTOMER, EXCHANGE_CODE, HOSTED_PAGE, RENEW_TOKEN } from './operations';
import type { Customer } from './journey';
import { sessionOf, storedSession, storeSession, takeCode, type Session } from './session';
import type { Page } from './theme';

/** Why nothing can be shown. */
export type Problem = 'missing' | 'invalid' | 'ended' | 'frame' | 'unreachable';

/** A visit that has begun: everything that the screens work with. */
export interface OpenVisit {
  state: 'open';
  gateway: Gateway;
  page: Page;
  customer: Customer;
  isConnected: boolean;
  session(): Session;
  /** Reads the customer anew. */
  refresh(): Promise<void>;
}

export type Visit = { state: 'opening' } | { state: 'refused'; problem: Problem } | OpenVisit;

/** Milliseconds between two tries to reach a gateway that does not answer. */
const RETRY = 2_000;
/** Milliseconds between two looks whether the token is to be renewed: a sleeping device misses a timer, but not the next look. */
const RENEWAL_CHECK = 3_000;

interface Opened {
  page: Page;
  customer: Customer;
}

/** Opens the visit that the link or, after a reload, this tab's session stands for, and keeps it open. */
export function useVisit(): Visit {
  const session = useRef<Session | null>(null);
  // The gateway stays the same, whatever becomes of the visit.
  const latestRenew = useRef<() => Promise<boolean>>(() => Promise.resolve(false));
  const gateway = useMemo(() => createGateway(() => session.current?.token ?? null, () => latestRenew.current()), []);
  const [opened, setOpened] = useState<Opened | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isConnected, setConnected] = useState(true);

  const refuse = useCallback((reason: Problem) => {
    setProblem(reason);
    tell({ type: 'error', code: reason });
  }, []);
  const keep = useCallback((kept: Session | null) => {
    session.current = kept;
    storeSession(kept);
  }, []);
  const refresh = useCallback(async () => {
    const customer = await run(gateway, CUSTOMER, { id: opened?.page.customerId ?? '' }).then((data) => data.customer);
    if (customer) setOpened((before) => before && { ...before, customer });
  }, [gateway, opened?.page.customerId]);
  const renew = useCallback(async () => {
    const customerId = opened?.page.customerId ?? '';
    if (await renewed(gateway, session.current, customerId, keep)) return true;
    refuse('ended');
    return false;
  }, [gateway, keep, opened?.page.customerId, refuse]);

  latestRenew.current = renew;
  useOpening(gateway, session, keep, setOpened, refuse, setProblem);
  useRenewal(session, opened !== null && problem === null, renew);
  useWatching(gateway, problem === null ? (opened?.page.customerId ?? null) : null, refresh, setConnected);

  if (problem !== null) return { state: 'refused', problem };
  if (opened === null) return { state: 'opening' };
  return { state: 'open', gateway, ...opened, isConnected, session: () => session.current!, refresh };
}

type Keep = (session: Session | null) => void;

function useOpening(
  gateway: Gateway, session: { current: Session | null }, keep: Keep,
  onOpened: (opened: Opened) => void, refuse: (problem: Problem) => void, setProblem: (problem: Problem | null) => void,
): void {
  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = async (code: string | null): Promise<void> => {
      try {
        if (code !== null) keep(await exchanged(gateway, code, keep));
        const { hostedPage: page } = await runOnce(gateway, HOSTED_PAGE, {});
        if (!mayBeShown(page.origins)) return refuse('frame');
        const { customer } = await runOnce(gateway, CUSTOMER, { id: page.customerId });
        if (stopped || !customer) return;
        setProblem(null);
        onOpened({ page, customer });
        tell({ type: 'ready' });
      } catch (error) {
        if (stopped) return;
        const { code: refusal } = failureBy(error);
        if (refusal === 'UNAUTHENTICATED' || refusal === 'NOT_FOUND' || refusal === 'FORBIDDEN' || refusal === 'BAD_USER_INPUT') {
          // A token of before the reload that is over: the code may still be good.
          if (code === null && session.current) return open(session.current.code);
          keep(null);
          return refuse('invalid');
        }
        setProblem('unreachable');
        timer = setTimeout(() => void open(code), RETRY);
      }
    };
    const begin = (): void => {
      const code = takeCode();
      session.current ??= storedSession();
      if (code === null && session.current === null) refuse('missing');
      else void open(code);
    };
    begin();
    // A second link that is opened in this tab changes the fragment alone, which loads nothing.
    const onHash = (): void => {
      if (location.hash.length > 1) begin();
    };
    addEventListener('hashchange', onHash);
    return () => {
      stopped = true;
      clearTimeout(timer);
      removeEventListener('hashchange', onHash);
    };
  }, [gateway, keep, onOpened, refuse, session, setProblem]);
}

/** A session for the code of a link. The code goes as the credential too: a gateway listens to nobody without one. */
async function exchanged(gateway: Gateway, code: string, keep: Keep): Promise<Session> {
  keep({ code, token: code, renewAt: Infinity });
  const { exchangeVerificationCode: minted } = await runOnce(gateway, EXCHANGE_CODE, { code });
  return sessionOf(code, minted.token, minted.expiresAt, Date.now());
}

/** A further token by the one there is or, where that is over, by the code. @returns whether there is one. */
async function renewed(gateway: Gateway, session: Session | null, customerId: string, keep: Keep): Promise<boolean> {
  if (!session) return false;
  try {
    const { createClientToken: minted } = await runOnce(gateway, RENEW_TOKEN, { customerId });
    keep(sessionOf(session.code, minted.token, minted.expiresAt, Date.now()));
    return true;
  } catch (error) {
    // Nobody answers: the token there is may still be good when somebody does.
    if (failureBy(error).code !== 'UNAUTHENTICATED' && failureBy(error).code !== 'FORBIDDEN') return true;
  }
  try {
    keep(await exchanged(gateway, session.code, keep));
    return true;
  } catch (error) {
    if (failureBy(error).code === 'network') {
      keep(session);
      return true;
    }
    keep(null);
    return false;
  }
}

function useRenewal(session: { current: Session | null }, isOpen: boolean, renew: () => Promise<boolean>): void {
  useEffect(() => {
    if (!isOpen) return undefined;
    const check = (): void => {
      const { current } = session;
      if (!current || Date.now() < current.renewAt) return;
      // One try at a time; the next look comes soon.
      session.current = { ...current, renewAt: Date.now() + RENEWAL_CHECK * 2 };
      void renew();
    };
    const timer = setInterval(check, RENEWAL_CHECK);
    document.addEventListener('visibilitychange', check);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', check);
    };
  }, [session, isOpen, renew]);
}

function useWatching(gateway: Gateway, customerId: string | null, refresh: () => Promise<void>, setConnected: (isConnected: boolean) => void): void {
  const latest = useRef(refresh);
  latest.current = refresh;
  useEffect(() => {
    if (customerId === null) return undefined;
    const onChange = (): void => {
      // What cannot be read now is read when the connection is back.
      latest.current().catch(() => undefined);
    };
    // A socket that is refused for its token never connects: reading the state with that token renews it.
    return watch(gateway, customerId, onChange, (connected) => {
      setConnected(connected);
      if (!connected) onChange();
    });
  }, [gateway, customerId, setConnected]);
}
