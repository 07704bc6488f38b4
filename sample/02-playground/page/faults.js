const buttons = document.querySelector('#faults');
const problem = document.querySelector('#fault-problem');
const note = document.querySelector('#faults-note');
const entraButton = buttons.querySelector('[data-fault$="-entra-away"]');

/** The buttons do something only where the gateway runs on a local Azure. */
export function showFaults({ hasFaults, entra }) {
  buttons.hidden = !hasFaults;
  if (!hasFaults) {
    note.textContent = 'Only with the local Azure: this gateway is connected to a real one.';
    return;
  }
  const isAway = entra === 'away';
  entraButton.dataset.fault = isAway ? 'give-entra-back' : 'take-entra-away';
  entraButton.textContent = isAway ? 'Give Entra back' : 'Take Entra away';
}

export function startFaults() {
  buttons.addEventListener('click', ({ target }) => {
    const fault = target.closest('button')?.dataset.fault;
    if (fault) void cause(fault);
  });
}

async function cause(fault) {
  const response = await fetch(`/playground/faults/${fault}`, { method: 'POST' }).catch(() => null);
  problem.textContent = response?.ok
    ? ''
    : ((await messageOf(response)) ?? 'The gateway cannot be reached. Is npm start still running?');
}

async function messageOf(response) {
  const body = await response?.json().catch(() => undefined);
  return body?.error?.message;
}
