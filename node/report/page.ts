import { figure, table } from './figure.ts';
import { element, join, type Markup } from './markup.ts';
import type { Fact, Report, Section } from './report.ts';
import { STYLE } from './style.ts';

/** Nothing is fetched and nothing runs: the page is what it shows, wherever it is opened. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/**
 * A report as one HTML page that needs nothing else: no script, no font, no other file. Light and dark as the reader's
 * system is; under each chart its numbers as a table.
 *
 * @throws RangeError for a chart with a number that is not finite, or with lists that do not fit each other
 */
export function reportPage({ title, summary, facts, sections }: Report): string {
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    // Browsers ask for an icon otherwise.
    element('link', { rel: 'icon', href: 'data:,' }),
    element('title', {}, title),
    { html: `<style>${STYLE}</style>` },
  );
  const body = element('body', {}, element('main', {}, heading(title, summary, facts), ...sections.map(section)));
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body).html}\n`;
}

function heading(title: string, summary: string, facts: readonly Fact[]): Markup {
  const list = facts.map(({ label, value, tone }) =>
    element(
      'div',
      {},
      element('dt', {}, label),
      element('dd', { class: tone === undefined ? undefined : `t-${tone}` }, value),
    ),
  );
  return element(
    'header',
    {},
    element('h1', {}, title),
    element('p', { class: 'summary' }, summary),
    facts.length === 0 ? undefined : element('dl', { class: 'facts' }, ...list),
  );
}

function section({ heading: name, text, charts = [], tables = [] }: Section): Markup {
  return element(
    'section',
    {},
    element('h2', {}, name),
    text === undefined ? undefined : element('p', {}, text),
    join(charts.map(figure)),
    join(tables.map(table)),
  );
}
