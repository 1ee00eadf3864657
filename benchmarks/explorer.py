"""How fast the explorer answers in headless Chromium, from a moved mark to the drawn answer."""

import argparse
import statistics
import tempfile
from pathlib import Path

from notebooks.explorer.build import page
from tests.notebooks.browser import Browser

FIRST = """
new Promise((done) => requestAnimationFrame(() => done(performance.now())))
"""
CHANGES = """
(async () => {
  const times = [];
  for (let step = 0; step < %d; step++) {
    const begin = performance.now();
    explorer.page.change({ marks: explorer.board.codec.read(`g7x6.g8x${9 + step %% 6}`) });
    document.querySelector(".answers").getBoundingClientRect();
    times.push(performance.now() - begin);
    await new Promise((done) => requestAnimationFrame(done));
  }
  return times;
})()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=50, help="marks to move (default: 50)")
    count = parser.parse_args().changes
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        file = Path(folder, "explorer.html")
        file.write_text(page(), encoding="utf-8")
        browser.open(f"{file.as_uri()}#network,same,full,g7x6.g8x9")
        print(f"page opened and first answer drawn after {browser.evaluate(FIRST):.0f} ms")
        for level in ("overview", "block", "head"):
            browser.evaluate(f"explorer.page.change({{ level: '{level}', block: 2 }})")
            times = browser.evaluate(CHANGES % count)
            print(f"{level}: a mark moved, the answer and all below it drawn: first {times[0]:.0f} ms, "
                  f"then median {statistics.median(times):.0f} ms, {min(times):.0f} to {max(times):.0f} ms")


if __name__ == "__main__":
    main()
