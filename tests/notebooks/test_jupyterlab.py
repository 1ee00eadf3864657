"""A notebook with sliders in JupyterLab, in headless Chromium: they appear, and moving one changes the picture."""

import socket
import subprocess
import sys
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytest.importorskip("jupyterlab", reason="jupyter is not installed")
pytest.importorskip("ipywidgets", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
from browser import Browser, needs_chromium, wait_for

from notebooks.publish.execution import environment
from notebooks.publish.files import FOLDER, read, tags, text_of

pytestmark = needs_chromium
NOTEBOOK = FOLDER / "05_cyclic_shift_and_masks.ipynb"
PANEL = "[...jupyterapp.shell.widgets('main')].find(widget => widget.sessionContext)"


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab whose folder has the imports and the first slider cell of a notebook of ours."""
    notebook = read(NOTEBOOK)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [cells[0], next(cell for cell in cells if "widget" in tags(cell))]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "sliders.ipynb").write_text(text_of(notebook), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(tmp_path / name) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR")}                  # neither the user's settings are used nor are they changed
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
         "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
         "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
         f"--ServerApp.root_dir={tmp_path / 'notebooks'}"],
        env={**environment(), **own}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert server.poll() is None, "JupyterLab ended"
        try:
            return urlopen(f"{address}/api").status == 200
        except (URLError, ConnectionError):
            return False

    try:
        wait_for("the start of JupyterLab", answers)
        yield address
    finally:
        server.terminate()
        server.wait()


def test_sliders_appear_move_the_picture_and_ask_for_nothing_elsewhere(lab, tmp_path):
    with Browser() as browser:
        browser.open(f"{lab}/lab/tree/sliders.ipynb", width=1400, height=1000)
        wait_for("the notebook", lambda: browser.evaluate(
            "!!window.jupyterapp && document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 2"))
        wait_for("the kernel", lambda: browser.evaluate(
            f"{PANEL}?.sessionContext.session?.kernel?.status === 'idle'"))
        browser.evaluate(f"jupyterapp.shell.activateById({PANEL}.id)")
        browser.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        wait_for("the sliders", lambda: browser.evaluate("document.querySelectorAll('.noUi-handle').length") == 3)
        picture = "document.querySelector('.jupyter-widgets img')?.src"
        before = wait_for("the picture", lambda: browser.evaluate(picture))
        assert before.startswith("data:image/png")
        browser.evaluate("document.querySelectorAll('.noUi-handle')[2].dispatchEvent("
                         "new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true, cancelable: true}))")
        wait_for("another picture", lambda: browser.evaluate(picture) not in (None, before))
        assert browser.strangers() == []
