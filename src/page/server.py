"""The server of the page: Gradio behind limits, on the loopback address, with nothing that asks another machine."""

import os
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

from src.core.errors import AssayError
from src.export.predictor import Predictor

HOST = "127.0.0.1"
LARGEST_MB = 500  # of one upload, all its files together
GRACE = 1  # seconds that open connections get at the end
# The browser refuses whatever a part of the page may want from elsewhere, and to show the page within another one.
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'none'; form-action 'self'"
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_TEMP_DIR": ""}


def bind(port: int) -> socket.socket:
    """Take a port of this machine.

    Raises:
        AssayError: it is in use, or not for this user.
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
    """Refuse uploads that are too large, and forbid the browser to ask other machines: a middleware of ASGI."""
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
    """Return the application, which takes seconds to load; what is uploaded goes below the folder."""
    os.environ.update(QUIET | {"GRADIO_TEMP_DIR": tempfile.mkdtemp(dir=folder)})
    import fastapi
    import gradio
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from src.page import layout

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])  # no other name leads here
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
    """Answer until SIGINT or SIGTERM, which are raised again once the server has ended, or the terminal is closed."""
    import uvicorn

    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    settings = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=GRACE)
    uvicorn.Server(settings).run(sockets=[listening])
