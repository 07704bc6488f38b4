import { askGateway } from './answer-stream.js';
import { milliseconds } from './format.js';

const MOST_EXCHANGES = 50;
const list = document.querySelector('#exchanges');
const spoken = document.querySelector('#spoken');
const form = document.querySelector('#ask');
const field = document.querySelector('#question');
/** How long the model took for a question, in milliseconds. */
const modelTook = new Map();

export function startChat(currentModel) {
  let isAnswering = false;
  const ask = async (question) => {
    if (isAnswering || question === '') return;
    isAnswering = true;
    form.setAttribute('aria-busy', 'true');
    await answer(currentModel(), question, ask);
    isAnswering = false;
    form.setAttribute('aria-busy', 'false');
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const question = field.value.trim();
    if (!isAnswering) field.value = '';
    void ask(question);
  });
  document.querySelector('#suggestions').addEventListener('click', ({ target }) => {
    const button = target.closest('button');
    if (button) void ask(button.textContent);
  });
}

async function answer(model, question, ask) {
  const exchange = addExchange(question);
  spoken.textContent = 'Answering.';
  try {
    const result = await askGateway(model, question, (text) => {
      exchange.text.append(text);
      exchange.item.dataset.state = 'streaming';
      followEnd();
    });
    if (!result.isHit) modelTook.set(question, result.totalMs);
    exchange.item.dataset.state = 'done';
    exchange.meta.append(...describe(question, result), againButton('Ask again', question, ask));
    const from = result.isHit ? 'From the cache' : 'From the model';
    spoken.textContent = `${from}, in ${milliseconds(result.totalMs)}. ${exchange.text.textContent}`;
  } catch (error) {
    exchange.item.dataset.state = 'failed';
    const problem = element('p', 'problem', error.message);
    problem.setAttribute('role', 'alert');
    exchange.text.after(problem);
    exchange.meta.append(againButton('Try again', question, ask));
    spoken.textContent = '';
  }
  exchange.item.setAttribute('aria-busy', 'false');
  followEnd();
}

function addExchange(question) {
  document.querySelector('#no-exchanges').hidden = true;
  const item = element('li', 'exchange');
  item.dataset.state = 'waiting';
  item.setAttribute('aria-busy', 'true');
  const text = element('p', 'answer');
  const meta = element('div', 'meta');
  item.append(element('p', 'question', question), text, meta);
  list.append(item);
  if (list.children.length > MOST_EXCHANGES) list.firstElementChild.remove();
  followEnd();
  return { item, text, meta };
}

function describe(question, { isHit, firstTokenMs, totalMs, tokens }) {
  const chip = element('span', isHit ? 'chip hit' : 'chip miss', isHit ? 'HIT' : 'MISS');
  const facts = element('dl', 'timing');
  facts.append(...fact('First token', milliseconds(firstTokenMs)));
  facts.append(...fact('Total', milliseconds(totalMs)));
  if (tokens !== undefined) facts.append(...fact('Tokens', String(tokens)));
  const before = modelTook.get(question);
  const faster = isHit && before !== undefined ? Math.round(before / totalMs) : 0;
  if (faster > 1) facts.append(...fact('Faster', `${faster.toLocaleString('en')}×`));
  return [chip, facts];
}

function fact(name, value) {
  const group = element('div');
  group.append(element('dt', '', name), element('dd', '', value));
  return [group];
}

function againButton(label, question, ask) {
  const button = element('button', 'again', label);
  button.type = 'button';
  button.setAttribute('aria-label', `${label}: ${question}`);
  button.addEventListener('click', () => void ask(question));
  return button;
}

/** Whoever has scrolled up to read stays there. */
function followEnd() {
  const distance = list.scrollHeight - list.scrollTop - list.clientHeight;
  if (distance < 200) list.scrollTop = list.scrollHeight;
}

function element(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
