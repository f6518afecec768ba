// What typedoc does not do by itself: pages are listed under their headings, in the groups and in the order of navigation.json, entries
// are called as they are imported, and every export must have a comment.
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Converter, KindRouter, ReflectionKind } from 'typedoc';

const root = resolve(import.meta.dirname, '../..');
const groups = JSON.parse(readFileSync(resolve(root, 'docs/navigation.json'), 'utf8'));
/** Where each page stands: its group, and its place among all pages. By path, without the ending. */
const places = new Map();
for (const [group, pages] of Object.entries(groups)) for (const page of pages) places.set(page.replace(/\.md$/, ''), { group, at: places.size });
/** The path of each page. */
const files = new Map();

/** A page's address is that of its file: headings change. */
class PageRouter extends KindRouter {
  getIdealBaseName(reflection) {
    const file = files.get(reflection);
    return file === undefined ? super.getIdealBaseName(reflection) : `documents/${basename(file)}`;
  }
}

/** The first heading of a page, without its marks. */
function headingOf({ name, content: [first] }) {
  const heading = /^# (.*)\n/.exec(first?.text ?? '');
  if (heading === null) throw new Error(`${name}: does not begin with a heading`);
  return heading[1].replaceAll('`', '');
}

/** Warns of exports without a comment, in an entry or namespace. */
function checkComments({ children = [] }, logger) {
  for (const x of children) {
    if (x.kindOf(ReflectionKind.Namespace)) checkComments(x, logger);
    else if (!x.isReference() && !x.hasComment() && x.signatures?.every((s) => s.hasComment()) !== true) logger.warn(`${x.getFullName()} has no comment`);
  }
}

export function load(app) {
  app.renderer.defineRouter('pages', PageRouter);
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    const place = places.get(page.name);
    if (place === undefined) throw new Error(`${page.name}: not in docs/navigation.json`);
    files.set(page, page.name);
    page.frontmatter.group = place.group;
    page.name = headingOf(page);
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const entry of project.children ?? []) entry.name = entry.name === 'index' ? 'polyak' : `polyak/${entry.name}`;
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const entry of project.children ?? []) checkComments(entry, app.logger);
    for (const group of project.groups ?? []) {
      if (group.children.every((x) => x.isDocument())) group.children.sort((a, b) => places.get(files.get(a)).at - places.get(files.get(b)).at);
    }
  }, -1000); // when typedoc has sorted them
}
