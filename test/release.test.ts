import { test } from 'uvu';
import { notesOf, released } from '../.ci/release.ts';
import { is } from './assert.ts';

test('the unreleased section gets its version and date, and nothing else changes', () => {
  const before = '# Changelog\n\n## 0.3.0 (unreleased)\n\n### Added\n- This.\n\n## 0.2.0 (2026-01-02)\n\n- That.\n';
  is(released(before, '0.3.0', '2026-12-01'), before.replace('(unreleased)', '(2026-12-01)'));
  is(released(before, '1.0.0', '2026-12-01'), before.replace('0.3.0 (unreleased)', '1.0.0 (2026-12-01)'));
});

test('the notes of a release are its section of the changelog', () => {
  const log = '# Changelog\n\n## 0.3.0 (2026-12-01)\n\n### Added\n- This.\n\n## 0.2.0 (2026-01-02)\n\n- That.\n';
  is(notesOf(log, '0.3.0'), '### Added\n- This.');
  is(notesOf(log, '0.2.0'), '- That.');
  is(notesOf(log, '0.1.0'), '');
});

test.run();
