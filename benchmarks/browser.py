"""JupyterLab on loopback, and a headless Chromium looking at it: for browser tests and benchmarks."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from course import FOR_LIVE_FIGURES

ROOT = Path(__file__).resolve().parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
SERVER_OPTIONS = (
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",  # the system gives a free one; the server writes it into its runtime folder
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--Application.log_level=WARN",
)
TOKEN = "only-for-this-run"
SETTINGS = {  # all cells are in the page at once, and nothing is saved or asked meanwhile
    "notebook-extension/tracker": {"windowingMode": "none", "recordTiming": False},
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
START_SECONDS, RUN_SECONDS = 60, 240


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, Chrome or Edge, or None."""
    return next((path for path in map(shutil.which, CHROMIUMS) if path), None)


@contextmanager
def served(folder, scratch):
    """Serve JupyterLab over `folder` and yield its address; `scratch` holds its settings and its log.

    The kernels find `helpers` in the project, wherever `folder` is. Raises RuntimeError, with the log's
    end, when the server does not start.
    """
    scratch = Path(scratch)
    with (scratch / "server.log").open("wb") as log:
        process = subprocess.Popen(
            _command(folder), cwd=folder, env=_environment(scratch), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield _address(process, scratch)
        finally:
            process.terminate()
            process.wait(20)


def _command(folder):
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", *SERVER_OPTIONS, f"--ServerApp.root_dir={folder}", *root]


def _environment(scratch):
    """The variables of a server that neither reads nor changes any setting of the user."""
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    folders |= {"IPYTHONDIR": "ipython"}
    variables = {name: str(scratch / folder) for name, folder in folders.items()}
    for plugin, settings in SETTINGS.items():
        path = scratch / "config/lab/user-settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    course_like = {**os.environ, **FOR_LIVE_FIGURES}
    return {**course_like, **variables, "JUPYTER_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}


def _address(process, scratch):
    """The server's address, as soon as it has told its port."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for path in (scratch / "runtime").glob("jpserver-*.json"):
            try:
                return json.loads(path.read_text())["url"]
            except ValueError:
                pass  # it is being written
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start:\n" + (scratch / "server.log").read_text()[-3000:])


@contextmanager
def chromium():
    """Start a headless Chromium and yield Playwright's browser; raises RuntimeError where there is none."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        raise RuntimeError(f"no browser is installed; one of {', '.join(CHROMIUMS)} is needed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """One notebook open in JupyterLab: run it, look at it, and hear what goes wrong in the page.

    `errors` lists JavaScript errors and the page's error messages so far.
    """

    def __init__(self, browser, address, path, size=(1280, 900)):
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        self.page.on("console", self._hear)
        workspace = Path(path).stem.replace("_", "-")
        self.page.goto(f"{address}lab/workspaces/{workspace}/tree/{path}?token={TOKEN}")
        self.page.wait_for_function(NOTEBOOK_IS_READY, timeout=START_SECONDS * 1000)

    def run(self):
        """Run all cells and wait until the kernel has nothing left to do."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.allCellsRan", timeout=RUN_SECONDS * 1000)
        self.idle()

    def idle(self):
        """Wait until the kernel is idle."""
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=RUN_SECONDS * 1000)

    def output(self, cell) -> str:
        """Return the text that a code cell put out."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea-output").inner_text()

    def close(self):
        """Shut the kernel down and close the page."""
        self.page.evaluate(SHUT_DOWN)
        self.page.close()

    def _hear(self, message):
        if message.type == "error":
            self.errors.append(f"console: {message.text}")


PANEL = "const panel = jupyterapp.shell.currentWidget; const kernel = panel?.sessionContext?.session?.kernel;"
NOTEBOOK_IS_READY = (
    "() => { if (typeof jupyterapp === 'undefined') return false;"
    + PANEL
    + "return !!panel?.content?.widgets?.length && kernel?.status === 'idle' }"
)
KERNEL_IS_IDLE = "() => {" + PANEL + "return kernel?.status === 'idle' }"
RUN_ALL = """() => {
    window.allCellsRan = false;
    jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.allCellsRan = true });
}"""
SHUT_DOWN = "async () => { await jupyterapp.shell.currentWidget?.sessionContext?.shutdown() }"


def write_notebook(path, sources):
    """Write a notebook with one code cell per source, not run."""
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
