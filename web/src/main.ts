import './jitless';
import './style/tokens.css';
import './style/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { answerIn } from './connection/callback';
import Callback from './connection/Callback.svelte';
import { connections } from './connection/connections.svelte';
import { kept } from './connection/kept';
import { knownServers } from './connection/servers.svelte';

const target = document.body;
const answer = answerIn(new URL(location.href));
const attempt = kept.takeAttempt();
// The code is good for once only, and nobody's business in the history.
if (location.pathname !== '/' || location.search) history.replaceState(null, '', '/');

if (answer && attempt?.login?.state !== answer.state) {
  mount(Callback, { target, props: { answer } });
} else {
  const known = knownServers.load();
  // Who comes back to open connections does not see the empty page before them.
  if (answer || kept.connections().length > 0) await known;
  mount(App, { target });
  connections.restore();
  if (answer && attempt) void connections.revive(attempt, attempt.keep).signing.comeBack(answer);
}
