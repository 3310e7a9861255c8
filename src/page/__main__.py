"""Serve a page on this machine that predicts images: class, calibrated probability, and where the network looked."""

import argparse
import os
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from src.core import console
from src.core.errors import AssayError
from src.core.paths import BUNDLE
from src.export import load
from src.export.predictor import Predictor

PORT = 7860
FOLDER = "assay-page-"  # followed by the id of its process
MISSING = "the page needs Gradio, which is not installed: run `make setup`, or `pip install -r requirements.txt`"
HOST = "127.0.0.1"
LARGEST_MB = 500  # of one upload, all its files together
GRACE = 1  # seconds that open connections get at the end
# Makes the browser refuse everything that the page may load from elsewhere, and refuse to show it inside another page.
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'none'; form-action 'self'"
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_TEMP_DIR": ""}


def main() -> None:
    """Serve the page until Ctrl-C or a kill."""
    parser = argparse.ArgumentParser("python -m src.page", description=__doc__)
    parser.add_argument(
        "--model", type=Path, default=BUNDLE.folder, metavar="BUNDLE", help="a folder or .zip (%(default)s)"
    )
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="open to this machine only (%(default)s)")
    asked = parser.parse_args()
    if find_spec("gradio") is None:
        raise AssayError(MISSING)
    predictor = load(asked.model)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the folder is removed on the way out
    with ExitStack() as held:
        listening = held.enter_context(bind(asked.port))
        folder = held.enter_context(_private_folder())
        page = build(predictor, folder)
        console.say(f"http://127.0.0.1:{listening.getsockname()[1]}  (Ctrl-C ends it)")
        try:
            serve(page, listening)
        except KeyboardInterrupt:
            sys.stderr.write("\nended: what was uploaded is removed\n")


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """Create a folder for all temporary files that only this user can read, and remove the folders of killed pages."""
    for old in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        owner = old.name.removeprefix(FOLDER).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    made = tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-", ignore_cleanup_errors=True)
    tempfile.tempdir = made.name
    return made


def bind(port: int) -> socket.socket:
    """Bind a port of this machine.

    Raises:
        AssayError: the port is in use, or this user may not use it.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or "0 to 65535 are ports"
        raise AssayError(f"--port: {port} cannot be used ({reason}); name another one") from error
    return listening


def limited(app: Any) -> Any:
    """Wrap an ASGI application: refuse uploads that are too large, and forbid the browser to ask other machines."""
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.responses import PlainTextResponse

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
            await send(message)

        size = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        refused = scope.get("method") == "POST" and int(size) > LARGEST_MB * 10**6
        asked = PlainTextResponse(f"more than {LARGEST_MB} MB at once", 413) if refused else app
        await asked(scope, receive, with_policy)

    return answer


def build(predictor: Predictor, folder: Path | str) -> Any:
    """Return the application, which takes seconds to load; uploads are stored below the folder."""
    os.environ.update(QUIET | {"GRADIO_TEMP_DIR": tempfile.mkdtemp(dir=folder)})
    import fastapi
    import gradio
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from src.page import layout

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])  # no other name is answered
    app.add_middleware(limited)
    return gradio.mount_gradio_app(
        app,
        layout.build(predictor),
        path="/",
        server_name=HOST,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=f"{LARGEST_MB}mb",
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gradio.themes.Base(
            primary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"], font_mono=["monospace"]
        ),
        css_paths=Path(__file__).with_name("page.css"),
    )


def serve(app: Any, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM (raised again once the server has ended), or until the terminal is closed."""
    import uvicorn

    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    settings = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=GRACE)
    uvicorn.Server(settings).run(sockets=[listening])


if __name__ == "__main__":
    console.run(main)
