// The languages as tabs (WAI-ARIA authoring practices: arrows move, the chosen one is shown).

export function tabs(form, chosen) {
  const list = form.querySelector('[data-tabs]');
  const all = [...list.querySelectorAll('[data-tab]')];
  const panels = new Map([...form.querySelectorAll('[data-panel]')].map((each) => [each.dataset.panel, each]));

  function open(tab, focus) {
    for (const each of all) {
      const here = each === tab;
      each.setAttribute('aria-selected', String(here));
      each.tabIndex = here ? 0 : -1;
      panels.get(each.dataset.tab).hidden = !here;
    }
    if (focus) tab.focus();
    chosen(tab.dataset.tab);
  }

  for (const panel of panels.values()) {
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', `tab-${panel.dataset.panel}`);
    panel.querySelector('.panel-title').hidden = true;
  }
  list.hidden = false;
  list.addEventListener('click', (event) => {
    const tab = event.target.closest('[data-tab]');
    if (tab) open(tab, false);
  });
  list.addEventListener('keydown', (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    open(all[(to + all.length) % all.length], true);
  });
  const first = all.find((each) => each.getAttribute('aria-selected') === 'true') ?? all[0];
  for (const each of all) panels.get(each.dataset.tab).hidden = each !== first;
}
