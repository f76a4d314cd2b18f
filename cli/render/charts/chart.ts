import type { SeriesRow } from '../../../lib/core/metrics/rollup.ts';
import { UserError } from '../../shared/environment.ts';
import type { ChartView } from './chart-view.ts';
import { terminalChart } from './terminal.ts';

/** Pixels of a picture; twice as many in a PNG, for print and fine screens. */
const PICTURE_WIDTH = 960;

export async function renderChart(
  rows: readonly SeriesRow[],
  { format, ...view }: ChartView & { readonly format: 'chart' | 'svg' | 'png' },
): Promise<string | Uint8Array> {
  if (format === 'chart') return terminalChart(rows, view);
  const { svgChart } = await import('./svg.ts');
  const svg = svgChart(rows, { ...view, width: PICTURE_WIDTH });
  return format === 'svg' ? svg : await toPng(svg);
}

async function toPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js').catch(() => {
    throw new UserError(
      'PNG needs the package @resvg/resvg-js beside this program (npm ci in the repository); --format svg works without.',
    );
  });
  const drawn = new Resvg(svg, { fitTo: { mode: 'zoom', value: 2 }, font: { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans' } });
  const png = drawn.render().asPng();
  if (png.length === 0) throw new UserError('The picture could not be drawn; try --format svg.');
  return png;
}
