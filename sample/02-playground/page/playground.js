import { startChat } from './chat.js';
import { showFaults, startFaults } from './faults.js';
import { addNews } from './news.js';
import { showState } from './panels.js';

const RETRY_MS = 2_000;
const link = document.querySelector('#link');
const panels = document.querySelector('#panels');

function showLink(state, words) {
  link.dataset.state = state;
  // Said again every second, it would be read out every second.
  if (link.textContent !== words) link.textContent = words;
}

/** A browser tries again by itself when the network fails, but not after an answer that is no stream. */
function listen() {
  const events = new EventSource('/playground/events');
  events.addEventListener('state', ({ data }) => {
    const state = JSON.parse(data);
    showLink('live', 'Live');
    panels.setAttribute('aria-busy', 'false');
    document.querySelector('#model').textContent = state.model;
    showState(state);
    showFaults(state);
  });
  events.addEventListener('news', ({ data }) => addNews(JSON.parse(data)));
  events.addEventListener('error', () => {
    showLink('lost', 'Gateway not reachable, trying again…');
    panels.setAttribute('aria-busy', 'true');
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  });
}

const currentModel = () => document.querySelector('#model').textContent;
startChat(currentModel);
startFaults();
listen();
