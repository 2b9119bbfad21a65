// A channel as the band between each pixel's minimum and maximum, with its contractions and faults shaded.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const LINE = "#1b5e8a";
const BAND = "rgba(27, 94, 138, 0.35)";
const GOOD = "rgba(46, 125, 50, 0.18)";
const OTHER = "rgba(130, 130, 130, 0.18)";
const FAULT = "rgba(198, 40, 40, 0.18)";
const HEIGHT = 360;

function shade({ contractions, faults }) {
  const colours = contractions.map((span) => [span, span.is_good ? GOOD : OTHER]);
  const shaded = [...colours, ...faults.map((span) => [span, FAULT])];
  return (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [{ start_seconds, end_seconds }, colour] of shaded) {
      const [left, right] = [start_seconds, end_seconds].map((seconds) => u.valToPos(seconds, "x", true));
      ctx.fillStyle = colour;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  };
}

function zoomed(onZoom) {
  return (u) => {
    const { left, width } = u.select;
    if (width > 0) onZoom({ start: u.posToVal(left, "x"), end: u.posToVal(left + width, "x") });
  };
}

// Draws into `element`, replacing what was there; `onZoom` gets {start, end} in seconds.
export function drawBand(element, band, width, onZoom) {
  element.replaceChildren();
  const unit = band.unit ?? "";
  const options = {
    width,
    height: HEIGHT,
    cursor: { drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: false, range: [band.start_seconds, band.end_seconds] } },
    axes: [{ label: "seconds" }, { label: unit, size: 70 }],
    series: [
      { label: "seconds" },
      { label: `minimum ${unit}`, stroke: LINE, width: 1, points: { show: false } },
      { label: `maximum ${unit}`, stroke: LINE, width: 1, points: { show: false } },
    ],
    bands: [{ series: [2, 1], fill: BAND }],
    hooks: { drawClear: [shade(band)], setSelect: [zoomed(onZoom)] },
  };
  return new uPlot(options, [band.time_axis, band.minimum, band.maximum], element);
}
