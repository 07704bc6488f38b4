import type { CustomSeriesOption, EChartsOption, LineSeriesOption } from 'echarts';
import type { CurveAxis, Quantity } from '../plan/curve.interface.js';
import type { CurveReport, Summary } from './curves-report.interface.js';
import { bytes, compact } from './numbers.js';

/** All of them can be read on white and on black. */
const GREY = '#79818b';
const FAINT_GREY = '#79818b44';
const COLORS = ['#2f81f7', '#e07b1f'];

const FONT = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif';
const WIDTH = 900;
const PANEL_HEIGHT = 182;
/** Of the picture and of the panels. */
const TITLE_HEIGHT = 76;
const BOTTOM = 52;
const LEGEND_HEIGHT = 26;
const MARGIN = { left: 62, right: 14 };
/** Room at both ends of a logarithmic axis, as a factor. */
const ROOM = 1.6;
const CAP = 4;

export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly option: EChartsOption;
}

/** One panel for each drawn quantity, side by side. */
export function chart(curve: CurveReport): Chart {
  const panels = curve.quantities.filter(({ isDrawn }) => isDrawn);
  const series = [...new Set(curve.points.map((point) => point.series))];
  const legendHeight = series.length > 1 ? LEGEND_HEIGHT : 0;
  const top = legendHeight + TITLE_HEIGHT;
  const panelWidth = WIDTH / panels.length;
  const left = (index: number): number => index * panelWidth + MARGIN.left;
  return {
    width: WIDTH,
    height: top + PANEL_HEIGHT + BOTTOM,
    option: {
      animation: false,
      color: COLORS,
      textStyle: { fontFamily: FONT, color: GREY },
      title: [
        { text: curve.title, left: 8, top: 8, textStyle: text(16) },
        ...panels.map(({ label }, index) => ({
          text: label,
          left: left(index) - 5,
          top: top - 34,
          textStyle: text(13),
        })),
      ],
      ...(series.length > 1 && {
        legend: {
          data: series,
          selectedMode: false,
          left: 4,
          top: 34,
          itemGap: 24,
          itemHeight: 10,
          textStyle: text(12),
        },
      }),
      grid: panels.map((_, index) => ({
        top,
        height: PANEL_HEIGHT,
        left: left(index),
        width: panelWidth - MARGIN.left - MARGIN.right,
      })),
      xAxis: panels.map((_, gridIndex) => ({ ...xAxis(curve), gridIndex })),
      yAxis: panels.map((quantity, gridIndex) => ({ ...yAxis(quantity), gridIndex })),
      series: panels.flatMap((quantity, panel) =>
        series.flatMap((name, index) =>
          drawSeries(curve, quantity, name, panel, COLORS[index % COLORS.length] ?? GREY),
        ),
      ),
    },
  };
}

const text = (fontSize: number) => ({
  fontSize,
  fontWeight: 'normal' as const,
  fontFamily: FONT,
  color: GREY,
});

const axisStyle = {
  axisLine: { show: true, lineStyle: { color: GREY } },
  axisLabel: text(12),
  axisTick: { show: true, lineStyle: { color: GREY } },
};

function xAxis({ x, points }: CurveReport) {
  const places = [...new Set(points.map((point) => point.x))].toSorted((one, other) => one - other);
  const common = {
    name: x.label,
    nameLocation: 'middle' as const,
    nameGap: 30,
    nameTextStyle: text(12),
  };
  if (x.scale === 'places') {
    return { ...common, ...axisStyle, type: 'category' as const, data: places.map(String) };
  }
  return {
    ...common,
    ...axisStyle,
    type: 'log' as const,
    min: (places[0] ?? 1) / ROOM,
    max: (places.at(-1) ?? 1) * ROOM,
    axisTick: { ...axisStyle.axisTick, customValues: places },
    axisLabel: { ...axisStyle.axisLabel, customValues: places, formatter: labelOf(x) },
    splitLine: { show: false },
  };
}

const labelOf =
  ({ isInBytes }: CurveAxis) =>
  (value: number): string =>
    isInBytes === true ? bytes(value) : compact(value);

const yAxis = ({ scale }: Quantity) => ({
  ...axisStyle,
  type: scale === 'log' ? ('log' as const) : ('value' as const),
  axisLabel: { ...axisStyle.axisLabel, formatter: compact },
  splitLine: { show: true, lineStyle: { color: FAINT_GREY } },
  ...(scale === 'log' && {
    minorTick: { show: true, splitNumber: 9, lineStyle: { color: GREY } },
  }),
});

/** The medians, and from the least to the most of each. */
function drawSeries(
  { x, points }: CurveReport,
  { name, scale }: Quantity,
  series: string,
  panel: number,
  color: string,
): [LineSeriesOption, CustomSeriesOption] {
  const place = (value: number): string | number => (x.scale === 'places' ? String(value) : value);
  const drawn = points.flatMap((point): { at: string | number; summary: Summary }[] => {
    const summary = point.values[name];
    if (point.series !== series || summary === undefined) return [];
    if (scale === 'log' && summary.median <= 0) return [];
    return [{ at: place(point.x), summary: scale === 'log' ? aboveZero(summary) : summary }];
  });
  const common = {
    name: series,
    xAxisIndex: panel,
    yAxisIndex: panel,
    itemStyle: { color },
    silent: true,
  };
  return [
    {
      ...common,
      type: 'line',
      emphasis: { disabled: true },
      symbol: 'circle',
      symbolSize: 7,
      lineStyle: { color, width: 2 },
      data: drawn.map(({ at, summary }) => [at, summary.median]),
    },
    {
      ...common,
      type: 'custom',
      data: drawn.map(({ at, summary }) => [at, summary.least, summary.most]),
      encode: { x: 0, y: [1, 2] },
      renderItem: (_params, api) => {
        const [atX = 0, low = 0] = api.coord([api.value(0), api.value(1)]);
        const [, high = 0] = api.coord([api.value(0), api.value(2)]);
        const line = (x1: number, y1: number, x2: number, y2: number) => ({
          type: 'line' as const,
          shape: { x1, y1, x2, y2 },
          style: { stroke: color, lineWidth: 1.5, fill: 'none' },
        });
        return {
          type: 'group',
          children: [
            line(atX, low, atX, high),
            line(atX - CAP, low, atX + CAP, low),
            line(atX - CAP, high, atX + CAP, high),
          ],
        };
      },
    },
  ];
}

/** A spread that begins where no logarithmic axis goes begins far below the median instead. */
const aboveZero = (summary: Summary): Summary => ({
  ...summary,
  least: Math.max(summary.least, summary.median / 10),
});
