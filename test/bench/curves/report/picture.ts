import { CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { CurveReport } from './curves-report.interface.js';
import { chart } from './chart.js';

use([CustomChart, GridComponent, LegendComponent, LineChart, SVGRenderer, TitleComponent]);

/** `entry-size.svg` for `entrySize`. */
export const fileNameOf = ({ name }: Pick<CurveReport, 'name'>): string =>
  `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.svg`;

/** SVG without a background. */
export function drawCurve(curve: CurveReport): string {
  const { width, height, option } = chart(curve);
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    drawing.setOption(option);
    return `${drawing.renderToSVGString()}\n`;
  } finally {
    drawing.dispose();
  }
}
