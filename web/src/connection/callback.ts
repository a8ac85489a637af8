/** What an authorization server sends back with the person (RFC 6749, section 4.1.2; RFC 9207). */
export interface AuthorizationAnswer {
  readonly state: string;
  readonly code: string | null;
  readonly iss: string | null;
  readonly error: string | null;
  readonly description: string | null;
}

/** Pages of one origin hand the answer on here: the window that signed in is not the one that waits. */
const CHANNEL = 'propusk.sign-in';

/** The answer in a URL, if it is one. */
export function answerIn(url: URL): AuthorizationAnswer | null {
  const query = url.searchParams;
  const state = query.get('state');
  if (state === null || !(query.has('code') || query.has('error'))) return null;
  return {
    state,
    code: query.get('code'),
    iss: query.get('iss'),
    error: query.get('error'),
    description: query.get('error_description'),
  };
}

/** Hands the answer to the page that waits for it. False: none said within the time that it has it. */
export function handOn(answer: AuthorizationAnswer, patience = 3_000): Promise<boolean> {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), patience);
    channel.onmessage = ({ data }) => {
      if (data?.taken !== answer.state) return;
      clearTimeout(timer);
      resolve(true);
    };
    channel.postMessage({ answer });
  }).finally(() => channel.close());
}

/** Waits for the answer with this state. */
export function answerFor(state: string, signal: AbortSignal): Promise<AuthorizationAnswer> {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise<AuthorizationAnswer>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    channel.onmessage = ({ data }) => {
      if (data?.answer?.state !== state) return;
      channel.postMessage({ taken: state });
      resolve(data.answer);
    };
  }).finally(() => channel.close());
}
