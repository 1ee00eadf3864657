"""The command line: `python -m notebooks.explorer pages/explorer.html`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from notebooks.explorer.build import page
from notebooks.translate.languages import languages
from swin_np.errors import SwinError
from swin_np.text import printable
from swin_np.writing import check_ending, make_folder, write_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; what a user has to know stands in one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m notebooks.explorer",
        description="Make the explorer, in each language one page that opens without a network.",
        epilog="example: python -m notebooks.explorer pages/explorer.html")
    parser.add_argument("file", type=Path,
                        help="where the English one goes, an .html file; the others go to folders beside it")
    file = parser.parse_args(arguments).file
    try:
        check_ending(file, (".html",))
        pages = {file.parent / language.place / file.name: page(language=language)
                 for language in languages().values() if language.has_explorer}
        for path, html in pages.items():
            make_folder(path.parent)
            write_text(html, path)
    except SwinError as error:
        print(f"explorer: {printable(str(error))}", file=sys.stderr)
        return 2
    size = len(pages[file].encode()) / 1e6
    print(f"{size:.2f} MB; open {file.resolve().as_uri()} in a browser, no network is needed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
