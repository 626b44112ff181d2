"""What a runner's process is allowed here, and whether CUDA's driver computes in it: no framework,
only the standard library. Prints one JSON document; runners/preflight assesses it.

    python3 probe.py [gpu]
"""

import ctypes
import errno
import json
import os
import resource
import stat
import sys
import threading
import time

# Adds its index to each element of an array. The driver compiles it for any card of compute
# capability 5.0 or later.
PTX = b"""
.version 6.0
.target sm_50
.address_size 64
.visible .entry add_index(.param .u64 array, .param .u32 length)
{
    .reg .pred %p<2>;
    .reg .b32 %r<8>;
    .reg .b64 %rd<5>;
    ld.param.u64 %rd1, [array];
    ld.param.u32 %r1, [length];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra DONE;
    cvta.to.global.u64 %rd2, %rd1;
    mul.wide.u32 %rd3, %r5, 4;
    add.s64 %rd4, %rd2, %rd3;
    ld.global.u32 %r6, [%rd4];
    add.s32 %r7, %r6, %r5;
    st.global.u32 [%rd4], %r7;
DONE:
    ret;
}
"""
LENGTH, BLOCK, LAUNCHES = 1 << 16, 256, 100


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def privileges():
    lines = read("/proc/self/status").splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "capabilities": status.get("CapEff", "").strip(),
        "no_new_privileges": status.get("NoNewPrivs", "").strip() == "1",
        "read_only_root": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    }


def limits():
    def both(which):
        return [-1 if n == resource.RLIM_INFINITY else n for n in resource.getrlimit(which)]

    asked = min(4096, max(64, 16 * len(os.sched_getaffinity(0))))
    started, why = threads(asked)
    return {
        "files": both(resource.RLIMIT_NOFILE),
        "processes": both(resource.RLIMIT_NPROC),
        "locked_bytes": both(resource.RLIMIT_MEMLOCK),
        "stack_bytes": both(resource.RLIMIT_STACK),
        "cpus": len(os.sched_getaffinity(0)),
        "threads_asked": asked,
        "threads_started": started,
        "threads_error": why,
        "shm_bytes": free("/dev/shm"),
        "tmp_bytes": free("/tmp"),
    }


def threads(asked):
    """How many threads start, as a framework's pools would: 16 for each CPU."""
    end, pool, why = threading.Event(), [], ""
    before = threading.stack_size(256 * 1024)
    try:
        for _ in range(asked):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            pool.append(thread)
    except (RuntimeError, MemoryError) as error:
        why = str(error)
    end.set()
    for thread in pool:
        thread.join()
    threading.stack_size(before)
    return len(pool), why


def free(path):
    try:
        found = os.statvfs(path)
    except OSError:
        return -1
    return found.f_bavail * found.f_frsize


def device_files():
    found = []
    for name in sorted(os.listdir("/dev")):
        path = "/dev/" + name
        if not name.startswith(("nvidia", "dxg")) or os.path.isdir(path):
            continue
        about = os.stat(path)
        mode = f"{stat.S_IMODE(about.st_mode):04o}"
        one = {"path": path, "mode": mode, "uid": about.st_uid, "gid": about.st_gid, "error": ""}
        try:
            os.close(os.open(path, os.O_RDWR))
        except OSError as error:
            one["error"] = errno.errorcode.get(error.errno, "") + " " + (error.strerror or "")
        found.append(one)
    return found


def cache():
    """Where the driver keeps what it compiled (CUDA C++ Programming Guide, "CUDA Environment
    Variables")."""
    path = os.environ.get("CUDA_CACHE_PATH") or os.path.expanduser("~/.nv/ComputeCache")
    above = path
    while not os.path.isdir(above) and above != os.path.dirname(above):
        above = os.path.dirname(above)
    size = 0
    for folder, _, names in os.walk(path):
        size += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return {
        "path": path,
        "writable": os.access(above, os.W_OK),
        "bytes": size,
        "disabled": os.environ.get("CUDA_CACHE_DISABLE", "0") not in ("", "0"),
        "temporary": os.path.realpath(path).startswith("/tmp/"),
    }


class Failed(Exception):
    pass


class CUDA:
    """The driver, whose every step is noted: the first that fails is the last."""

    def __init__(self):
        self.steps = []
        self.facts = {"steps": self.steps}

    def step(self, name, *arguments):
        call = getattr(self.library, name)
        began = time.perf_counter()
        code = call(*arguments)
        self.note(name.removesuffix("_v2"), code, time.perf_counter() - began)

    def note(self, name, code, seconds, text=""):
        if code and not text:
            text = self.text(code)
        text = text if code else ""
        self.steps.append({"step": name, "code": code, "text": text, "seconds": seconds})
        if code:
            raise Failed

    def text(self, code):
        words = []
        for ask in ("cuGetErrorName", "cuGetErrorString"):
            word = ctypes.c_char_p()
            call = getattr(self.library, ask, None)
            if call and not call(code, ctypes.byref(word)) and word.value:
                words.append(word.value.decode())
        return ": ".join(words)

    def run(self):
        began = time.perf_counter()
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            self.note("load libcuda.so.1", -1, time.perf_counter() - began, str(error))
        self.note("load libcuda.so.1", 0, time.perf_counter() - began)
        version = ctypes.c_int()
        self.library.cuDriverGetVersion(ctypes.byref(version))
        self.facts["driver_cuda"] = f"{version.value // 1000}.{version.value % 1000 // 10}"
        self.step("cuInit", 0)
        count = ctypes.c_int()
        self.step("cuDeviceGetCount", ctypes.byref(count))
        self.facts["count"] = count.value
        card = ctypes.c_int()
        self.step("cuDeviceGet", ctypes.byref(card), 0)
        self.describe(card)
        self.compute(card)

    def describe(self, card):
        name, raw = ctypes.create_string_buffer(256), (ctypes.c_ubyte * 16)()
        self.step("cuDeviceGetName", name, 256, card)
        newest = hasattr(self.library, "cuDeviceGetUuid_v2")  # it tells a MIG instance's
        self.step("cuDeviceGetUuid_v2" if newest else "cuDeviceGetUuid", raw, card)
        text = bytes(raw).hex()
        self.facts["name"] = name.value.decode()
        parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
        self.facts["uuid"] = "GPU-" + "-".join(parts)
        numbers = []
        for attribute in (75, 76):  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
            value = ctypes.c_int()
            self.step("cuDeviceGetAttribute", ctypes.byref(value), attribute, card)
            numbers.append(str(value.value))
        self.facts["compute_capability"] = ".".join(numbers)

    def compute(self, card):
        """One kernel, whose result is looked at."""
        context = ctypes.c_void_p()
        self.step("cuDevicePrimaryCtxRetain", ctypes.byref(context), card)
        self.step("cuCtxSetCurrent", context)
        left, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.step("cuMemGetInfo_v2", ctypes.byref(left), ctypes.byref(total))
        self.facts["memory_free_bytes"], self.facts["memory_bytes"] = left.value, total.value
        module, kernel = ctypes.c_void_p(), ctypes.c_void_p()
        self.step("cuModuleLoadData", ctypes.byref(module), PTX)
        self.step("cuModuleGetFunction", ctypes.byref(kernel), module, b"add_index")
        array, length = ctypes.c_uint64(), ctypes.c_uint32(LENGTH)
        size = ctypes.c_size_t(4 * LENGTH)
        values = (ctypes.c_uint32 * LENGTH)(*([7] * LENGTH))
        self.step("cuMemAlloc_v2", ctypes.byref(array), size)
        self.step("cuMemcpyHtoD_v2", array, values, size)
        arguments = (ctypes.c_void_p * 2)(ctypes.addressof(array), ctypes.addressof(length))
        launch = (kernel, LENGTH // BLOCK, 1, 1, BLOCK, 1, 1, 0, None, arguments, None)
        self.step("cuLaunchKernel", *launch)
        self.step("cuCtxSynchronize")
        self.step("cuMemcpyDtoH_v2", values, array, size)
        wrong = sum(1 for i in range(LENGTH) if values[i] != 7 + i)
        self.note("result", min(wrong, 1), 0.0, f"{wrong} of {LENGTH} elements are wrong")
        began = time.perf_counter()
        for _ in range(LAUNCHES):
            self.library.cuLaunchKernel(*launch)
            self.library.cuCtxSynchronize()
        self.facts["launch_s"] = (time.perf_counter() - began) / LAUNCHES
        self.library.cuMemFree_v2(array)


def main():
    facts = {"python": sys.version.split()[0], "privileges": privileges(), "limits": limits()}
    if "gpu" in sys.argv[1:]:
        facts["device_files"], facts["cache"] = device_files(), cache()
        cuda = CUDA()
        try:
            cuda.run()
        except Failed:
            pass
        except AttributeError as error:
            cuda.steps.append({"step": "look up", "code": -1, "text": str(error), "seconds": 0.0})
        facts["cuda"] = cuda.facts
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
