"""What the OpenBLAS that Caffe computes with says of itself."""

from __future__ import annotations

import ctypes
import glob


class OpenBLAS:
    """What the loaded OpenBLAS says of itself."""

    def __init__(self) -> None:
        self.config = self.core = "unknown"
        self.threads: int | None = None
        for path in glob.glob("/usr/lib/*/openblas-pthread/libblas.so.3"):
            library = ctypes.CDLL(path)
            library.openblas_get_config.restype = ctypes.c_char_p
            library.openblas_get_corename.restype = ctypes.c_char_p
            self.config = library.openblas_get_config().decode()
            self.core = library.openblas_get_corename().decode()
            self.threads = library.openblas_get_num_threads()
