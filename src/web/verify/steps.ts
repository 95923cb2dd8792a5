import { useCallback, useEffect, useState } from 'react';

/** A page of a form that the browser's own back and forward buttons turn. It begins at the first. */
export function useSteps(name: string): { step: number; go(step: number): void; back(): void } {
  const [step, setStep] = useState(0);
  useEffect(() => {
    history.replaceState({ [name]: 0 }, '');
    const onTurn = ({ state }: PopStateEvent): void => {
      const turned = (state as Record<string, unknown> | null)?.[name];
      if (typeof turned === 'number') setStep(turned);
    };
    addEventListener('popstate', onTurn);
    return () => removeEventListener('popstate', onTurn);
  }, [name]);
  const go = useCallback((next: number) => {
    history.pushState({ [name]: next }, '');
    setStep(next);
  }, [name]);
  return { step, go, back: () => history.back() };
}
