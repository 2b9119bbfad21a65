"""Pictures compared by their structure: both made small, as one sees them from afar; fonts and edges differ."""

import base64
import os
from pathlib import Path

from playwright.sync_api import Page

REFERENCES = Path(__file__).resolve().parents[1] / "browser" / "pictures"
_KEPT, _COMPARED = (240, 180), (48, 36)  # columns and rows of cells; each is the mean of its pixels
# Of 255: what two machines' fonts and rounding make of the same page stays far below both (see the tests of it).
MOST_MEAN_DIFFERENCE, MOST_CELL_DIFFERENCE = 4.0, 60.0

_CELLS = """async ([[columns, rows], picture]) => {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const whole = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = whole.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const sums = Array.from({ length: columns * rows }, () => [0, 0, 0, 0]);
  for (let y = 0; y < image.height; y += 1) {
    for (let x = 0; x < image.width; x += 1) {
      const cell = Math.floor((y * rows) / image.height) * columns + Math.floor((x * columns) / image.width);
      for (let part = 0; part < 3; part += 1) sums[cell][part] += data[4 * (y * image.width + x) + part];
      sums[cell][3] += 1;
    }
  }
  return sums.map(([red, green, blue, count]) => [red / count, green / count, blue / count]);
}"""
_PNG = """([[columns, rows], cells]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const pixels = new ImageData(columns, rows);
  cells.forEach((colour, cell) => pixels.data.set([...colour.map(Math.round), 255], 4 * cell));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas.toDataURL("image/png");
}"""
_SMALLER = """async ([width, picture]) => {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const height = Math.round((width * image.height) / image.width);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}"""


def difference(page: Page, one: bytes, other: bytes) -> tuple[float, float]:
    """Return the mean and the largest difference of two PNGs, 0 to 255, compared in the page's browser."""
    first, second = (page.evaluate(_CELLS, [_COMPARED, _data(picture)]) for picture in (one, other))
    differences = [abs(sum(a) - sum(b)) / 3 for a, b in zip(first, second, strict=True)]
    return sum(differences) / len(differences), max(differences)


def assert_looks_like(page: Page, name: str, picture: bytes) -> None:
    """Compare with the reference of that name; with EMG_NEW_PICTURES set, make it."""
    path = REFERENCES / f"{name}.png"
    if os.environ.get("EMG_NEW_PICTURES"):
        path.parent.mkdir(exist_ok=True)
        cells = page.evaluate(_CELLS, [_KEPT, _data(picture)])
        path.write_bytes(_bytes(page.evaluate(_PNG, [_KEPT, cells])))
    mean, largest = difference(page, path.read_bytes(), picture)
    assert (mean < MOST_MEAN_DIFFERENCE, largest < MOST_CELL_DIFFERENCE) == (True, True), (name, mean, largest)


def smaller(page: Page, picture: bytes, width: int) -> bytes:
    """Return a PNG at another width."""
    return _bytes(page.evaluate(_SMALLER, [width, _data(picture)]))


def _data(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def _bytes(data: str) -> bytes:
    return base64.b64decode(data.partition(",")[2])
