import { type Choice, type Field, type Range, type Settings, TICKS, fieldNames, fields, fit, matters, settingsFrom, tickOf, valueAt } from './settings.ts';

/** The controls of the settings. */
export interface Controls {
  /** What they stand at. */
  value(): Settings;
  set(settings: Settings): void;
  /** Offers the GPU, in these words. */
  offerGpu(words: string): void;
}

/** One of them. */
interface Control {
  readonly label: HTMLLabelElement;
  readonly input: HTMLSelectElement | HTMLInputElement;
  readonly read: () => string | number;
  readonly write: (value: string | number) => void;
}

/** A label with its name above the input; what a slider stands at is said by the slider itself. */
function labelled(name: Field, { label: text, help }: Choice | Range, input: HTMLElement, shown: HTMLElement | null): HTMLLabelElement {
  const label = document.createElement('label');
  const head = document.createElement('span');
  head.append(text);
  if (shown !== null) {
    shown.ariaHidden = 'true';
    head.append(shown);
  }
  input.id = `setting-${name}`;
  input.title = help;
  label.append(head, input);
  return label;
}

function makeChoice(name: Field, field: Choice, changed: () => void): Control {
  const input = document.createElement('select');
  for (const [value, words] of Object.entries(field.options)) input.append(new Option(words, value));
  input.addEventListener('change', changed);
  return { label: labelled(name, field, input, null), input, read: () => input.value, write: (value) => (input.value = String(value)) };
}

function makeRange(name: Field, field: Range, changed: () => void): Control {
  const input = document.createElement('input');
  const shown = document.createElement('span');
  Object.assign(input, { type: 'range', min: '0', max: String(TICKS), step: '1' });
  // A value that lies between two ticks stays what it was until the slider moves.
  let exact: number = field.default;
  const say = (): void => {
    shown.textContent = String(exact);
    input.setAttribute('aria-valuetext', String(exact));
  };
  input.addEventListener('input', () => {
    exact = valueAt(field, Number(input.value));
    say();
  });
  input.addEventListener('change', changed);
  return {
    label: labelled(name, field, input, shown),
    input,
    read: () => exact,
    write: (value) => {
      exact = Number(fit(name, value) ?? field.default);
      input.value = String(tickOf(field, exact));
      say();
    },
  };
}

/**
 * Puts a control for each setting into a form.
 *
 * @param changed - called with the name of what was changed
 */
export function makeControls(form: HTMLFormElement, start: Settings, changed: (name: Field) => void): Controls {
  const all = new Map<Field, Control>();
  for (const name of fieldNames) {
    const field: Choice | Range = fields[name];
    const touched = (): void => {
      showWhatMatters();
      changed(name);
    };
    const control = field.kind === 'choice' ? makeChoice(name, field, touched) : makeRange(name, field, touched);
    all.set(name, control);
    form.append(control.label);
  }
  form.addEventListener('submit', (event) => event.preventDefault());
  const value = (): Settings => settingsFrom(Object.fromEntries([...all].map(([name, { read }]) => [name, read()])));
  let gpu = false;
  function showWhatMatters(): void {
    const settings = value();
    for (const [name, { label }] of all) label.hidden = name === 'device' ? !gpu && settings.device === 'cpu' : !matters(name, settings);
  }
  const controls: Controls = {
    value,
    set: (settings) => {
      for (const [name, { write }] of all) write(settings[name]);
      showWhatMatters();
    },
    offerGpu: (words) => {
      gpu = true;
      const option = all.get('device')?.input.querySelector('[value="gpu"]');
      if (option instanceof HTMLOptionElement) option.text = words;
      showWhatMatters();
    },
  };
  controls.set(start);
  return controls;
}
