import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { labPage } from '../../../node/lab/record/lab-page.ts';
import { reportPage } from '../../../node/report/page.ts';
import { ChromiumPage, findChromium } from '../../helpers/chromium.ts';
import { sampleReport } from '../../helpers/lab-report.ts';

interface Drawn {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Lines, areas and dots that cover some of the screen. */
  readonly marks: number;
}

const CHARTS = `[...document.querySelectorAll('svg.chart')].map((svg) => {
  const box = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll('.line, .area, .dot')].filter((mark) => {
    const { width, height } = mark.getBoundingClientRect();
    return width > 0 && width + height > 1;
  });
  return {
    title: svg.getAttribute('aria-label'),
    x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height,
    marks: marks.length,
  };
})`;
const HIDE_MARKS = `void document.head.insertAdjacentHTML('beforeend', '<style>.line,.area,.dot{visibility:hidden}</style>')`;

const chromium = findChromium();
const skip =
  chromium === undefined &&
  'there is no Chromium here: install one, or name it with CHROMIUM_PATH, to look at the page';

suite('the report page in a browser', { skip }, () => {
  test('nothing is complained of, and every chart shows its marks', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-page-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'report.html');
    await writeFile(file, reportPage(labPage(sampleReport(30))));
    const page = await ChromiumPage.open(chromium as string, pathToFileURL(file).href);
    t.after(() => page.close());
    const charts = await page.evaluate<readonly Drawn[]>(CHARTS);
    assert.equal(charts.length, 6);
    for (const { title, width, height, marks } of charts) {
      assert.ok(width > 300 && height > 100, `${title} has its size`);
      assert.ok(marks > 0, `${title} has marks`);
    }
    const shown = await Promise.all(charts.map((chart) => page.screenshot(chart)));
    await page.evaluate(HIDE_MARKS);
    const hidden = await Promise.all(charts.map((chart) => page.screenshot(chart)));
    for (const [i, { title }] of charts.entries()) {
      assert.ok(!(shown[i] as Buffer).equals(hidden[i] as Buffer), `the marks of ${title} are seen`);
    }
    assert.deepEqual(page.complaints, []);
  });
});
