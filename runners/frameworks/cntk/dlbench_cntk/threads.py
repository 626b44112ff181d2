"""How many threads compute: what the OpenMP library that CNTK has loaded says itself."""

import ctypes


def openmp():
    """None if CNTK's library is not there."""
    with open("/proc/self/maps") as stream:
        paths = [line.split(None, 5)[-1].strip() for line in stream if "libiomp5.so" in line]
    return ctypes.CDLL(paths[0]).omp_get_max_threads() if paths else None
