const MOST_NEWS = 8;
const WORDS = {
  refreshed: 'New token from Entra',
  refreshFailed: 'Entra gave no token, trying again',
  reauthenticated: 'Connection signed in again, kept open',
  reauthenticationFailed: 'Sign-in on a connection failed, trying again',
  connectionExpired: 'Redis closed a connection: its token ran out',
  connectionLost: 'Connection to Redis lost',
  connected: 'Connected to Redis',
};
const list = document.querySelector('#news');

/** The newest first; the same again only counts. */
export function addNews({ kind, code }) {
  document.querySelector('#no-news').hidden = true;
  const first = list.firstElementChild;
  if (first?.dataset.kind === kind) {
    first.dataset.times = String(Number(first.dataset.times) + 1);
    fill(first, kind, code);
    return;
  }
  const item = document.createElement('li');
  item.dataset.kind = kind;
  item.dataset.times = '1';
  fill(item, kind, code);
  list.prepend(item);
  if (list.children.length > MOST_NEWS) list.lastElementChild.remove();
}

function fill(item, kind, code) {
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString('en-GB');
  const words = document.createElement('span');
  const times = item.dataset.times === '1' ? '' : ` (${item.dataset.times}×)`;
  words.textContent = `${WORDS[kind]}${times}`;
  if (code) words.title = code;
  item.replaceChildren(time, words);
}
