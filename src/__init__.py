"""Assay: a folder of labelled medical images in, a tracked and reproducible experiment out."""

import signal
import sys

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # `python -m` is still importing: Ctrl-C ends it without a traceback, until console.run answers it in words.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
