"""A folder of web pages on loopback, and one of its pages open in a browser that can reach nothing else."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class _Quiet(SimpleHTTPRequestHandler):
    """Python's plain file server, which doesn't tell what it serves."""

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def files_served(folder):
    """Serve a folder as `python -m http.server` does, and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class StaticPage:
    """A page of a served folder, open in a browser.

    `errors` lists what went wrong so far: in its scripts, on its console, in what it asked for. `outside`
    lists what it asked of others, which is refused.
    """

    def __init__(self, browser, address, path, size=(1280, 900), **options):
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        self.page = self.context.new_page()
        self.address, self.errors, self.outside = address, [], []
        self.page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        self.page.on("console", self._hear)
        self.page.on("requestfailed", lambda request: self.errors.append(f"failed: {request.url}"))
        self.page.on("response", self._see)
        self.page.route("**/*", self._let_in)
        self.page.goto(address + path)

    def settle(self):
        """Wait until nothing is being loaded."""
        self.page.wait_for_load_state("networkidle")

    def loaded(self) -> dict:
        """Return what has come from the folder: path → bytes."""
        return {name.removeprefix(self.address): size for name, size in self.page.evaluate(RESOURCES)}

    def close(self):
        """Close the page."""
        self.context.close()

    def _let_in(self, route):
        if route.request.url.startswith((self.address, "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(f"console: {message.text}")

    def _see(self, response):
        if response.status >= 400:
            self.errors.append(f"{response.status}: {response.url}")


RESOURCES = """() => ['navigation', 'resource'].flatMap(kind =>
    performance.getEntriesByType(kind).map(({ name, encodedBodySize }) => [name, encodedBodySize]))"""


class Player:
    """A lab on a page without a kernel: its controls, and what its canvas shows."""

    def __init__(self, static_page, root):
        self.page, self.root = static_page.page, root
        self.root.scroll_into_view_if_needed()
        self.canvas = root.locator(".td-canvas")
        self.canvas.wait_for()

    @property
    def controls(self) -> list:
        """The controls that can be moved."""
        return self.root.locator(".td-controls").locator("input, select").all()

    @property
    def drawn(self) -> int:
        """How often the canvas was drawn."""
        return int(self.canvas.get_attribute("data-drawn"))

    def picture(self) -> str:
        """Return what the canvas shows, as text that differs where a pixel does."""
        return self.canvas.evaluate("canvas => canvas.toDataURL()")

    def place(self) -> int:
        """Return the place in the stored grid of what is shown."""
        told = "root => root.player.grid.head.controls.map((c, i) => c.stride * root.player.chosen[i])"
        return sum(self.root.evaluate(told))

    def step(self, control, key="ArrowRight") -> float:
        """Press a key on a control; return the milliseconds from its event to the drawn canvas."""
        self.root.evaluate(PROBE)
        control.focus()
        self.page.keyboard.press(key)
        self.page.wait_for_function("() => window.stepped !== null", timeout=20_000)
        return self.page.evaluate("() => window.stepped")


PROBE = """root => {
    let start = null;
    window.stepped = null;
    root.addEventListener('input', event => { start = event.timeStamp }, { capture: true, once: true });
    const seen = new MutationObserver(() => {
        if (start === null) return;
        window.stepped = performance.now() - start;
        seen.disconnect();
    });
    seen.observe(root.querySelector('.td-canvas'), { attributes: true, attributeFilter: ['data-drawn'] });
}"""
