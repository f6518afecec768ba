import { type Choice, type Field, type Range, type Settings, TICKS, fieldNames, fields, fit, settingsFrom, tickOf, valueAt } from './settings.ts';

/** The controls of the settings. */
export interface Controls {
  /** What they stand at. */
  value(): Settings;
  set(settings: Settings): void;
}

const text = (v: number): string => String(v);

function labelled(name: Field, field: Choice | Range, input: HTMLElement, output: HTMLElement | null): HTMLLabelElement {
  const label = document.createElement('label');
  label.title = field.help;
  const head = document.createElement('span');
  head.append(field.label);
  if (output !== null) head.append(output);
  input.id = `setting-${name}`;
  label.append(head, input);
  return label;
}

/**
 * Puts a control for each setting into a form.
 *
 * @param changed - called with the name of what was changed
 */
export function makeControls(form: HTMLFormElement, start: Settings, changed: (name: Field) => void): Controls {
  const read = new Map<Field, () => string | number>();
  const write = new Map<Field, (value: string | number) => void>();
  for (const name of fieldNames) {
    const field: Choice | Range = fields[name];
    if (field.kind === 'choice') {
      const select = document.createElement('select');
      for (const [value, words] of Object.entries(field.options)) select.append(new Option(words, value));
      select.addEventListener('change', () => changed(name));
      read.set(name, () => select.value);
      write.set(name, (value) => (select.value = String(value)));
      form.append(labelled(name, field, select, null));
      continue;
    }
    const slider = document.createElement('input');
    const output = document.createElement('output');
    Object.assign(slider, { type: 'range', min: '0', max: text(TICKS), step: '1' });
    // A value that lies between two ticks stays what it was until the slider moves.
    let exact: number = field.default;
    const say = (): void => {
      output.textContent = text(exact);
      slider.setAttribute('aria-valuetext', text(exact));
    };
    slider.addEventListener('input', () => {
      exact = valueAt(field, Number(slider.value));
      say();
    });
    slider.addEventListener('change', () => changed(name));
    read.set(name, () => exact);
    write.set(name, (value) => {
      exact = Number(fit(name, value) ?? field.default);
      slider.value = text(tickOf(field, exact));
      say();
    });
    form.append(labelled(name, field, slider, output));
  }
  const controls: Controls = {
    value: () => settingsFrom(Object.fromEntries([...read].map(([name, get]) => [name, get()]))),
    set: (settings) => {
      for (const [name, put] of write) put(settings[name]);
    },
  };
  controls.set(start);
  return controls;
}
