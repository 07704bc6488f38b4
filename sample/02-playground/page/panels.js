import { clock, dollars, seconds } from './format.js';

const byId = (id) => document.getElementById(id);
/** The longest that the current token was seen to live, in seconds. */
let fullSeconds = 0;
let rotations = 0;

export function showState(state) {
  showCache(state.cache);
  showToken(state);
  showConnections(state);
}

function showCache({ requests, upstreamCalls, spared, ...saved }) {
  byId('hit-rate').textContent =
    requests === 0 ? '–' : `${Math.round((spared / requests) * 100)} %`;
  setBar('hit-rate-bar', requests === 0 ? 0 : spared / requests);
  byId('requests').textContent = requests.toLocaleString('en');
  byId('upstream-calls').textContent = upstreamCalls.toLocaleString('en');
  byId('saved-cost').textContent = dollars(saved.savedCost);
  byId('saved-tokens').textContent = saved.savedTokens.toLocaleString('en');
  byId('saved-time').textContent = seconds(saved.savedUpstreamMs);
}

function showToken({ redis, rotations: total }) {
  const left = redis.secondsToExpiry;
  if (total !== rotations) fullSeconds = 0;
  rotations = total;
  fullSeconds = Math.max(fullSeconds, left ?? 0);
  byId('token-clock').textContent = left === undefined ? 'None' : clock(left);
  byId('token-unit').hidden = left === undefined;
  setBar('token-bar', fullSeconds === 0 ? 0 : (left ?? 0) / fullSeconds);
  byId('rotations').textContent = total.toLocaleString('en');
  if (left === undefined) return setState('token-state', 'down', 'Expired. The model answers.');
  if (redis.consecutiveFailures === 0) return setState('token-state', 'fine', 'Renewed in time');
  setState('token-state', 'warn', 'Entra is away. Still signed in.');
}

function showConnections({ redis, reauthentications }) {
  byId('connections').textContent = redis.managedConnections.toLocaleString('en');
  byId('reauthentications').textContent = reauthentications.toLocaleString('en');
  if (redis.client === 'ready') setState('redis-state', 'fine', 'Connected');
  else setState('redis-state', 'warn', 'Reconnecting. The model answers.');
}

function setBar(id, share) {
  byId(id).style.setProperty('--share', String(share));
}

function setState(id, state, words) {
  const line = byId(id);
  line.dataset.state = state;
  line.textContent = words;
}
